//! `netverdict conform`.

use std::io::Write;

use netverdict_bundle::SourceKind;
use netverdict_conform::present::Document;
use netverdict_conform::rig::Pace;
use netverdict_conform::{ConformError, RigError, assumed_ways, conform};

use netverdict_replay::{Setup, survey};

use super::replay::failed;
use crate::args::conform::{Conform, Format};
use crate::captures::Sources;
use crate::error::Failure;
use crate::output::Output;
use crate::{exit, host};

pub(crate) fn run(args: &Conform) -> Result<u8, Failure> {
    let sources = Sources::new(&args.captures, &args.host.host)?;
    let rules = host::read(&args.host)?;
    let overrides = host::overrides(&args.overrides, &args.model, args.host.lenient)?;
    super::warn(&args.printed.common, &rules.warnings);
    let (survey, _) = survey(sources.open()?).map_err(|e| failed(&e, None))?;
    let setup = rules.setup(&survey, &overrides, host::config(&args.model))?;
    super::warn(&args.printed.common, &not_taken_over(&setup));
    let pace = if args.pace { Pace::Real } else { Pace::Fast };
    let conformed = conform(&setup, sources.open()?, pace).map_err(|error| match error {
        ConformError::Replay(error) => failed(&error, Some(&setup)),
        ConformError::Rig(error) => lacking(&error),
    })?;
    let document = Document::new(&conformed);
    let text = match args.printed.format {
        Format::Text => document.to_string(),
        Format::Json => document
            .to_json()
            .map_err(|e| Failure::new(e.to_string()))?,
        Format::Junit => document
            .to_junit()
            .map_err(|e| Failure::new(e.to_string()))?,
    };
    let mut output = Output::open(&args.printed.common)?;
    let written = output.write_all(text.as_bytes());
    written.map_err(|error| output.failure(&error))?;
    if args.printed.format == Format::Json {
        let written = output.write_all(b"\n");
        written.map_err(|error| output.failure(&error))?;
    }
    output.finish()?;
    Ok(if document.agree || document.undetermined.is_some() {
        exit::DONE
    } else {
        exit::FOUND
    })
}

/// What the kernel cannot be given. The model does without it too, so that both answer the same question.
fn not_taken_over(setup: &Setup) -> Vec<String> {
    let mut all = Vec::new();
    if setup.bundle.source(SourceKind::Conntrack).is_some() {
        all.push("the bundle's connections are left out: both sides begin with an empty table");
    }
    if setup.fingerprints.is_some() {
        all.push("pf.os is left out: a kernel has one list of fingerprints, which is its host's; no packet matches osf");
    }
    if setup.config.facts.iter().next().is_some() {
        all.push(
            "--assume is left out: in a namespace of its own no packet has a socket, an IPsec policy or an IPVS service",
        );
    }
    let ways = assumed_ways(setup).into_iter().map(|(family, name)| {
        format!(
            "{family} routes are not known: on both sides answers to what is not connected leave by {name} [ip-route.json]"
        )
    });
    all.into_iter().map(str::to_owned).chain(ways).collect()
}

/// What the kernel's side lacks, or will not do.
fn lacking(error: &RigError) -> Failure {
    if error.is_missing() {
        let needs =
            "conform needs Linux, root, iptables (and ipset for dumps with sets), and /dev/net/tun";
        Failure::with_help(error.to_string(), needs)
    } else {
        Failure::new(error.to_string())
    }
}
