//! `-m policy`.

use netverdict_net::Protocol;
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Match, Policy, PolicyDirection, PolicyElement, PolicyMode};

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Occurrence, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "policy",
    family: None,
    options: &[
        Opt::value("dir"),
        Opt::value("pol"),
        Opt::flag("strict"),
        Opt::value("reqid").repeatable().invertible(),
        Opt::value("spi").repeatable().invertible(),
        Opt::value("tunnel-src").repeatable().invertible(),
        Opt::value("tunnel-dst").repeatable().invertible(),
        Opt::value("proto").repeatable().invertible(),
        Opt::value("mode").repeatable().invertible(),
        Opt::flag("next").repeatable().requires(&["strict"]),
    ],
    place: Place::ANY,
    build,
};

/// Most elements.
const ELEMENTS_MAX: usize = 4;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let direction = given.arg("dir").ok_or_else(|| given.missing("--dir"))?;
    let policy = Policy {
        direction: direction
            .one_of(&[("in", PolicyDirection::In), ("out", PolicyDirection::Out)])?,
        ipsec: given
            .read("pol", |arg| arg.one_of(&[("ipsec", true), ("none", false)]))?
            .unwrap_or(true),
        strict: given.has("strict"),
        elements: elements(given)?,
    };
    check(given, &policy)?;
    let elements = if policy.ipsec {
        policy.elements
    } else {
        Vec::new()
    };
    Ok(Match::Policy(Policy { elements, ..policy }))
}

fn elements(given: &Given<'_>) -> Parsed<Vec<PolicyElement>> {
    let mut elements = Vec::new();
    let mut element = PolicyElement::default();
    for occurrence in given.options {
        if occurrence.opt.id == "next" {
            elements.push(element);
            element = PolicyElement::default();
        } else {
            add(given, &mut element, occurrence)?;
        }
    }
    elements.push(element);
    if elements.len() > ELEMENTS_MAX {
        return Err(given.problem(
            Code::Combination,
            format!("at most {ELEMENTS_MAX} elements"),
        ));
    }
    Ok(elements)
}

fn add(given: &Given<'_>, element: &mut PolicyElement, occurrence: &Occurrence) -> Parsed<()> {
    let Some(arg) = given.arg_of(occurrence, 0) else {
        return Ok(());
    };
    match occurrence.opt.id {
        "reqid" => put(arg, &mut element.reqid, arg.u32()),
        "spi" => put(arg, &mut element.spi, arg.u32()),
        "tunnel-src" => put(arg, &mut element.tunnel_source, arg.unmasked_net()),
        "tunnel-dst" => put(arg, &mut element.tunnel_destination, arg.unmasked_net()),
        "proto" => put(arg, &mut element.protocol, protocol(arg)),
        "mode" => put(arg, &mut element.mode, mode(arg)),
        _ => Ok(()),
    }
}

fn put<T>(arg: Arg<'_>, slot: &mut Option<Invertible<T>>, value: Parsed<T>) -> Parsed<()> {
    let inverted = arg.inverted;
    let value = Invertible {
        inverted,
        value: value?,
    };
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(arg.bad(format!("one `--{}` in each element", arg.option))),
    }
}

fn protocol(arg: Arg<'_>) -> Parsed<Protocol> {
    let protocol = arg.protocol()?;
    if ![Protocol::AH, Protocol::ESP, Protocol::IPCOMP].contains(&protocol) {
        return Err(arg.bad("ah, esp or ipcomp"));
    }
    Ok(protocol)
}

fn mode(arg: Arg<'_>) -> Parsed<PolicyMode> {
    arg.one_of(&[
        ("transport", PolicyMode::Transport),
        ("tunnel", PolicyMode::Tunnel),
    ])
}

fn check(given: &Given<'_>, policy: &Policy) -> Parsed<()> {
    let problem = |message: &str| Err(given.problem(Code::Combination, message));
    let is_empty = |element: &PolicyElement| *element == PolicyElement::default();
    if !policy.ipsec {
        if policy.strict {
            return problem("`--pol none` takes no --strict");
        }
        return Ok(());
    }
    if policy.strict && policy.elements.iter().any(is_empty) {
        return problem("--strict wants every element to test something");
    }
    for element in &policy.elements {
        let has_tunnel = element.tunnel_source.is_some() || element.tunnel_destination.is_some();
        let mode = element
            .mode
            .unwrap_or(Invertible::plain(PolicyMode::Transport));
        if has_tunnel && mode.inverted == (mode.value == PolicyMode::Tunnel) {
            return problem("--tunnel-src and --tunnel-dst need `--mode tunnel`");
        }
    }
    Ok(())
}
