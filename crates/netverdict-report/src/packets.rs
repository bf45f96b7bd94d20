//! One JSON object a line for each packet.

use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use netverdict_engine::{CtState, NatView, RuleRef, Transport};
use netverdict_net::{Device, InterfaceName, Protocol, Timestamp};
use netverdict_replay::{Entry, Listing, Record, Setup, Told, has_ports};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::assemble::direction;
use crate::bytes::{put, text};
use crate::flows::reason;
use crate::model::Number;
use crate::names::Names;

mod usual;

/// Bytes that hold most lines.
const USUAL: usize = 640;

/// A packet of a replay: one line of `--format packets`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "netverdict packet")]
struct Line<'l> {
    /// The frame's number in its capture, from 1.
    n: u64,
    file: &'l str,
    /// Seconds since 1970 with nine digits.
    #[schemars(with = "String")]
    time: Shown<Timestamp>,
    /// Where it was captured, if that is known.
    interface: Option<&'l str>,
    /// `in` or `out`.
    direction: &'static str,
    /// `ACCEPT`, `DROP`, `REJECT`, `QUEUE`, `STOLEN`, `UNKNOWN` or `SKIPPED`.
    verdict: &'static str,
    /// `local`, `forwarded`, `sent`, `dropped`, `queued`, `evidence` or `skipped`.
    fate: &'static str,
    /// The rule or policy that decided; null where none did.
    rule: Option<Rule<'l>>,
    /// `NEW`, `ESTABLISHED`, `RELATED`, `INVALID` or `UNTRACKED`.
    #[schemars(with = "Option<String>")]
    state: Option<Shown<CtState>>,
    /// The same for all packets of a connection.
    flow: Option<u64>,
    /// What it left as, where it was translated.
    nat: Option<Nat>,
    /// What ended it where no rule did, or what is missing for a verdict.
    reason: Option<String>,
    /// `ipv4` or `ipv6`.
    family: Option<&'static str>,
    #[schemars(with = "Option<String>")]
    protocol: Option<Shown<Protocol>>,
    source: Option<IpAddr>,
    /// Null where the protocol has no ports.
    source_port: Option<u16>,
    destination: Option<IpAddr>,
    destination_port: Option<u16>,
    /// The IP packet's, as counters count it; of a skipped frame all of its bytes on the wire.
    length: u32,
    /// The hook where it ended.
    hook: Option<&'static str>,
    /// The device it came by.
    #[serde(rename = "in")]
    in_device: Option<&'l str>,
    /// The device it left by.
    out: Option<&'l str>,
    /// Its mark in the end.
    mark: u32,
    /// Every match that it met and the inputs do not decide.
    unknown: Vec<Unknown<'l>>,
    /// What the path itself sent on its account.
    emitted: &'l [String],
    /// The earlier frame that it continues.
    evidence: Option<Evidence<'l>>,
}

/// The JSON Schema of a line, as shipped in `schemas/`.
pub fn schema() -> String {
    crate::document::schema::<Line<'static>>()
}

#[derive(Debug, Serialize, JsonSchema)]
struct Rule<'l> {
    table: &'l str,
    chain: &'l str,
    number: Number,
    line: Option<u32>,
    family: &'l str,
}

/// A value written as its text, which is never put together elsewhere.
#[derive(Debug, Clone, Copy)]
struct Shown<T>(T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The translated header: what the packet left with. What NAT left alone is there too.
#[derive(Debug, Serialize, JsonSchema)]
struct Nat {
    source: IpAddr,
    source_port: Option<u16>,
    destination: IpAddr,
    destination_port: Option<u16>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Unknown<'l> {
    rule: Option<Rule<'l>>,
    #[serde(rename = "match")]
    test: Option<String>,
    why: &'l str,
    decides: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Evidence<'l> {
    file: &'l str,
    n: u64,
    contradiction: Option<String>,
}

/// Writes a line for each record.
pub struct Lines<'s, 'w> {
    names: Names<'s>,
    /// The captures' names, by [`netverdict_replay::FrameRef::file`].
    files: Vec<String>,
    /// What stands between the frame's number and its time, by the same.
    between: Vec<Vec<u8>>,
    /// Buffers to be used again.
    spare: Mutex<Vec<Vec<u8>>>,
    out: &'w mut (dyn Write + Send + Sync),
}

impl std::fmt::Debug for Lines<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl<'s, 'w> Lines<'s, 'w> {
    /// Lines of captures with these names.
    pub fn new(
        setup: &'s Setup,
        files: Vec<String>,
        out: &'w mut (dyn Write + Send + Sync),
    ) -> Self {
        let between = files.iter().map(|file| between(file)).collect();
        Self {
            names: Names::new(setup),
            files,
            between,
            spare: Mutex::default(),
            out,
        }
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Any record's line.
    fn whole(&self, out: &mut Vec<u8>, record: &Record) {
        if serde_json::to_writer(&mut *out, &self.line(record)).is_err() {
            debug_assert!(false, "nothing fails that is written to memory");
        }
    }

    /// A line as it is described.
    fn line_of(&self, entry: Entry<'_>) -> Vec<u8> {
        let mut line = Vec::new();
        match entry {
            Entry::Passed(passage) => self.whole(&mut line, &passage.record()),
            Entry::Record(record) => self.whole(&mut line, record),
        }
        line
    }

    /// What stands between a frame's number and its time.
    fn between(&self, file: usize) -> &[u8] {
        const NO_FILE: &[u8] = b",\"file\":\"?\",\"time\":";
        self.between.get(file).map_or(NO_FILE, Vec::as_slice)
    }

    fn file(&self, index: usize) -> &str {
        self.files.get(index).map_or("?", String::as_str)
    }

    fn line<'l>(&'l self, record: &'l Record) -> Line<'l> {
        let ends = record.transport.as_ref();
        let port = |pick: fn(&Transport) -> u16| ends.filter(|t| has_ports(t.protocol)).map(pick);
        Line {
            n: record.frame.number,
            file: self.file(record.frame.file),
            time: Shown(record.time),
            interface: device(&record.interface),
            direction: direction(record.direction),
            verdict: record.verdict.name(),
            fate: record.fate.name(),
            rule: record.rule.map(|rule| self.rule(rule)),
            state: record.state.map(Shown),
            flow: record.flow.map(|flow| flow.0),
            nat: record.nat.as_ref().map(nat),
            reason: reason(record),
            family: ends.map(|t| if t.source.is_ipv4() { "ipv4" } else { "ipv6" }),
            protocol: ends.map(|t| Shown(t.protocol)),
            source: ends.map(|t| t.source),
            source_port: port(|t| t.source_port),
            destination: ends.map(|t| t.destination),
            destination_port: port(|t| t.destination_port),
            length: record.len,
            hook: record.hook.map(netverdict_ruleset::Hook::chain_name),
            in_device: device(&record.in_device),
            out: device(&record.out_device),
            mark: record.mark,
            unknown: self.unknowns(record),
            emitted: &record.emitted,
            evidence: record.evidence.as_ref().map(|e| Evidence {
                file: self.file(e.of.file),
                n: e.of.number,
                contradiction: e.contradiction.as_ref().map(ToString::to_string),
            }),
        }
    }

    fn rule(&self, rule: RuleRef) -> Rule<'_> {
        Rule {
            table: rule.table.name(),
            chain: self.names.chain(rule),
            number: Names::number(rule),
            line: self.names.line(rule),
            family: rule.family.name(),
        }
    }

    fn unknowns<'l>(&'l self, record: &'l Record) -> Vec<Unknown<'l>> {
        let unknowns = record.unknowns.iter();
        unknowns
            .map(|u| Unknown {
                rule: u.rule.map(|rule| self.rule(rule)),
                test: u.rule.and_then(|rule| self.names.test(rule, u.match_index)),
                why: &u.why,
                decides: u.decides,
            })
            .collect()
    }
}

fn between(file: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, b",\"file\":");
    text(&mut bytes, file);
    put(&mut bytes, b",\"time\":");
    bytes
}

fn device(device: &Device) -> Option<&str> {
    device.name().map(InterfaceName::as_str)
}

fn nat(nat: &NatView) -> Nat {
    let port = |port| has_ports(nat.after.protocol).then_some(port);
    Nat {
        source: nat.after.source,
        source_port: port(nat.after.source_port),
        destination: nat.after.destination,
        destination_port: port(nat.after.destination_port),
    }
}

impl Listing for Lines<'_, '_> {
    type Item = Vec<u8>;

    fn render(&self, told: Told<'_>) -> Vec<u8> {
        let spare = self.spare().pop();
        let mut lines = spare.unwrap_or_else(|| Vec::with_capacity(USUAL * told.len()));
        let mut usual = usual::Usual::new(self);
        for (_, entry) in told.entries() {
            let start = lines.len();
            match entry {
                Entry::Passed(passage) => usual.passage(&mut lines, &passage),
                Entry::Record(record) if usual::is_usual(record) => {
                    usual.record(&mut lines, record);
                }
                Entry::Record(record) => self.whole(&mut lines, record),
            }
            debug_assert!(
                lines.get(start..) == Some(&self.line_of(entry)),
                "all lines are as they are described"
            );
            lines.push(b'\n');
        }
        lines
    }

    fn take(&mut self, _: Told<'_>, mut lines: Vec<u8>) -> io::Result<()> {
        self.out.write_all(&lines)?;
        lines.clear();
        self.spare().push(lines);
        Ok(())
    }
}
