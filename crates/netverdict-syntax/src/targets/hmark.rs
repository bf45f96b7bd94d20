//! `-j HMARK`.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Hmark;

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::masked;

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "HMARK",
    family: None,
    options: &[
        Opt::value("hmark-tuple"),
        Opt::value("hmark-src-prefix"),
        Opt::value("hmark-dst-prefix"),
        Opt::value("hmark-sport-mask"),
        Opt::value("hmark-dport-mask"),
        Opt::value("hmark-spi-mask"),
        Opt::value("hmark-sport"),
        Opt::value("hmark-dport"),
        Opt::value("hmark-spi"),
        Opt::value("hmark-proto-mask"),
        Opt::value("hmark-rnd"),
        Opt::value("hmark-mod").mandatory(),
        Opt::value("hmark-offset"),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let hmark = Hmark {
        source_prefix_len: given.read("hmark-src-prefix", prefix_len)?,
        destination_prefix_len: given.read("hmark-dst-prefix", prefix_len)?,
        source_port_mask: given.read("hmark-sport-mask", Arg::u16)?,
        destination_port_mask: given.read("hmark-dport-mask", Arg::u16)?,
        spi_mask: given.read("hmark-spi-mask", Arg::u32)?,
        source_port: given.read("hmark-sport", Arg::u16)?,
        destination_port: given.read("hmark-dport", Arg::u16)?,
        spi: given.read("hmark-spi", Arg::u32)?,
        protocol_mask: given.read("hmark-proto-mask", Arg::u16)?,
        seed: given.read("hmark-rnd", Arg::u32)?,
        modulus: given
            .required("hmark-mod")?
            .number(1, u64::from(u32::MAX))? as u32,
        offset: given.read("hmark-offset", Arg::u32)?,
        use_conntrack: given
            .read("hmark-tuple", |arg| tuple(given, arg))?
            .unwrap_or(false),
    };
    let ports = [
        hmark.source_port_mask,
        hmark.destination_port_mask,
        hmark.source_port,
        hmark.destination_port,
    ];
    let spi = hmark.spi_mask.is_some() || hmark.spi.is_some();
    if spi && ports.iter().any(Option::is_some) {
        return Err(given.problem(Code::Combination, "ports and SPI exclude each other"));
    }
    Ok(Target::Hmark(hmark))
}

fn prefix_len(arg: Arg<'_>) -> Parsed<u8> {
    let mask = arg.mask()?;
    let len = masked(mask, mask).prefix_len();
    len.ok_or_else(|| arg.bad("a mask without holes"))
}

/// `ct` is all that is printed again; the other words stand for full masks of the packet's own fields.
fn tuple(given: &Given<'_>, arg: Arg<'_>) -> Parsed<bool> {
    let mut use_conntrack = false;
    for word in arg.text.split(',') {
        match word {
            "ct" => use_conntrack = true,
            _ => {
                return Err(
                    given.problem(Code::Value, format!("`--hmark-tuple {word}` is not known"))
                );
            }
        }
    }
    Ok(use_conntrack)
}
