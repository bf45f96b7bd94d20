//! `netverdict demo`: a replay of what is built in.

use std::path::Path;

use netverdict_bundle::{Bundle, Overrides, Source, SourceKind};
use netverdict_engine::Config;
use netverdict_replay::{Options, survey};

use crate::args::replay::Demo;
use crate::captures::Sources;
use crate::commands::replay::{Job, failed};
use crate::error::Failure;
use crate::host;

/// The office gateway of `fixtures/`: a DMZ, port forwards, a hairpin.
macro_rules! scene {
    ($path:literal) => {
        include_bytes!(concat!("../../../../fixtures/office-gateway/", $path))
    };
}

const FILES: [(&str, &[u8]); 5] = [
    ("iptables-save", scene!("bundle/iptables-save")),
    ("ip-addr.json", scene!("bundle/ip-addr.json")),
    ("ip-route.json", scene!("bundle/ip-route.json")),
    ("ip-rule.json", scene!("bundle/ip-rule.json")),
    ("sysctl.txt", scene!("bundle/sysctl.txt")),
];
const CAPTURE: &[u8] = scene!("captures/all-sides.pcapng");

pub(crate) fn run(args: &Demo) -> Result<u8, Failure> {
    let sources = FILES.iter().filter_map(|(name, bytes)| {
        Some(Source {
            name: format!("demo/{name}"),
            kind: SourceKind::of_file_name(name)?,
            bytes: bytes.to_vec(),
        })
    });
    let bundle = Bundle::from_sources("demo".to_owned(), sources.collect());
    let rules = host::parse(bundle.map_err(|e| host::unreadable(&e))?, false)?;
    let captures = Sources::of_bytes(Path::new("demo/all-sides.pcapng"), CAPTURE)?;
    let (survey, frames) = survey(captures.open()?).map_err(|e| failed(&e, None))?;
    let overrides = Overrides::default();
    let setup = rules.setup(&survey, &overrides, Config::default())?;
    let job = Job {
        setup: &setup,
        sources: &captures,
        overrides: &overrides,
        warnings: Vec::new(),
        frames: Some(frames),
        separate: false,
        options: Options::default(),
        format: args.printed.format,
        common: &args.printed.common,
    };
    job.run()
}
