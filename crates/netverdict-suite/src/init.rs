//! Making a case of a host and a capture: both copied beside a `case.toml` that suggests expectations.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use netverdict_bundle::SourceKind;
use netverdict_capture::{Captures, Frame};
use netverdict_engine::{CtState, RuleNumber, RuleRef};
use netverdict_net::Device;
use netverdict_replay::{Record, Session, Setup, Sink, has_ports};
use netverdict_report::names::Names;
use netverdict_report::text::count;
use netverdict_ruleset::{Match, protocol};

use crate::case::{Case, FILE};
use crate::run::{Hosts, Ready, options, prepare};

/// How many expectations are suggested.
const SUGGESTED: usize = 8;

/// Why a case cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// A file cannot be copied or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A bundle without files that are known.
    #[error("{}: no file of a bundle in this directory", .0.display())]
    NoBundle(PathBuf),
}

/// What a case is made of.
#[derive(Debug, Clone)]
pub struct Parts<'p> {
    /// A dump, or a bundle's directory.
    pub host: &'p Path,
    /// Other files of the host.
    pub also: &'p [PathBuf],
    /// A capture, or a directory of them.
    pub capture: &'p Path,
    /// Where the case is to be.
    pub directory: &'p Path,
}

/// Copies host and capture, and writes a `case.toml` without expectations; returns its text.
///
/// # Errors
/// There is a case already, or a file cannot be copied or written.
pub fn copy(parts: &Parts<'_>) -> Result<String, InitError> {
    let file = parts.directory.join(FILE);
    if file.exists() {
        return Err(InitError::Exists(file));
    }
    fs::create_dir_all(parts.directory).map_err(|source| InitError::Io {
        action: "make",
        path: parts.directory.to_owned(),
        source,
    })?;
    let host = if parts.host.is_dir() {
        copy_bundle(parts.host, &parts.directory.join("bundle"))?;
        "bundle".to_owned()
    } else {
        copy_file(parts.host, parts.directory)?
    };
    let also = parts
        .also
        .iter()
        .map(|path| copy_file(path, parts.directory));
    let also = also.collect::<Result<Vec<_>, _>>()?;
    let capture = if parts.capture.is_dir() {
        copy_files(parts.capture, &parts.directory.join("captures"), |_| true)?;
        "captures".to_owned()
    } else {
        copy_file(parts.capture, parts.directory)?
    };
    let mut text = format!("host = {}\n", quoted(&host));
    if !also.is_empty() {
        let also: Vec<_> = also.iter().map(|name| quoted(name)).collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "also = [{}]", also.join(", "));
    }
    let _ = writeln!(text, "captures = [{}]", quoted(&capture));
    write(&file, &text)?;
    Ok(text)
}

/// Writes the case's file.
///
/// # Errors
/// It cannot be written.
pub fn write(file: &Path, text: &str) -> Result<(), InitError> {
    fs::write(file, text).map_err(|source| InitError::Io {
        action: "write",
        path: file.to_owned(),
        source,
    })
}

fn copy_bundle(from: &Path, to: &Path) -> Result<(), InitError> {
    let copied = copy_files(from, to, |name| SourceKind::of_file_name(name).is_some())?;
    if copied == 0 {
        return Err(InitError::NoBundle(from.to_owned()));
    }
    Ok(())
}

fn copy_files(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<u64, InitError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| InitError::Io {
            action,
            path,
            source,
        }
    };
    fs::create_dir_all(to).map_err(failed("make", to))?;
    let mut copied = 0;
    for entry in fs::read_dir(from).map_err(failed("list", from))? {
        let path = entry.map_err(failed("list", from))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() && !name.starts_with('.') && wanted(&name) {
            copy_file(&path, to)?;
            copied += 1;
        }
    }
    Ok(copied)
}

/// Copies a file into a directory; returns its name there.
fn copy_file(from: &Path, to: &Path) -> Result<String, InitError> {
    let name = from.file_name().unwrap_or_default();
    let target = to.join(name);
    if target != from {
        fs::copy(from, &target).map_err(|source| InitError::Io {
            action: "copy",
            path: from.to_owned(),
            source,
        })?;
    }
    Ok(name.to_string_lossy().into_owned())
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// Expectations that the case's traffic meets now, as comments of its file.
///
/// # Errors
/// Host or capture cannot be read.
pub fn suggest<H: Hosts>(case: &Case, hosts: &H) -> Result<String, H::Error> {
    let Some(host) = case.hosts.first() else {
        return Ok(String::new());
    };
    let Ready {
        captures, setup, ..
    } = prepare(case, host, hosts)?;
    let mut seen = Seen::default();
    let mut session = Session::new(&setup, options(host));
    let stream = Captures::open(&captures);
    let stream = stream.map_err(|error| hosts.failed(&error.into(), None))?;
    let ran = session.run(stream, &mut seen, &mut (), &|_| ());
    ran.map_err(|error| hosts.failed(&error, Some(&setup)))?;
    Ok(seen.suggestions(&setup))
}

/// What says which new connections are one kind.
type Kind = (u8, Option<u16>, Option<String>);

/// New connections by kind.
#[derive(Debug, Default)]
struct Seen(BTreeMap<Kind, Verdicts>);

/// What became of the connections of a kind: the first one, how many, and whether all were the same.
#[derive(Debug)]
struct Verdicts {
    first: Record,
    packets: u64,
    agree: bool,
}

impl Sink for Seen {
    type Item = ();

    fn render(&self, _: &Record, _: &Frame<'_>) {}

    fn take(&mut self, record: &Record, (): ()) -> io::Result<()> {
        let Some(header) = record.transport.filter(|_| {
            record.state == Some(CtState::New) && record.evidence.is_none() && record.rule.is_some()
        }) else {
            return Ok(());
        };
        let port = has_ports(header.protocol).then_some(header.destination_port);
        let iface = match record.interface {
            Device::Named(name) => Some(name.to_string()),
            _ => None,
        };
        let kind = (header.protocol.0, port, iface);
        let verdicts = self.0.entry(kind).or_insert_with(|| Verdicts {
            first: record.clone(),
            packets: 0,
            agree: true,
        });
        verdicts.packets += 1;
        let said = |r: &Record| (r.verdict, r.fate, r.rule);
        verdicts.agree &= said(record) == said(&verdicts.first);
        Ok(())
    }
}

impl Seen {
    fn suggestions(&self, setup: &Setup) -> String {
        let names = Names::new(setup);
        let mut kinds: Vec<_> = self.0.iter().filter(|(_, v)| v.agree).collect();
        kinds.sort_by_key(|(_, verdicts)| std::cmp::Reverse(verdicts.packets));
        if kinds.is_empty() {
            return String::new();
        }
        let mut text =
            "\n# What new connections of the capture meet now. Uncomment what must stay so.\n"
                .to_owned();
        for (kind, verdicts) in kinds.into_iter().take(SUGGESTED) {
            text.push_str(&suggestion(kind, verdicts, setup, &names));
        }
        text
    }
}

fn suggestion(kind: &Kind, verdicts: &Verdicts, setup: &Setup, names: &Names<'_>) -> String {
    let (number, port, iface) = kind;
    let record = &verdicts.first;
    let protocol = protocol::name(netverdict_net::Protocol(*number)).to_string();
    let mut lines = vec![String::new(), "[[expect]]".to_owned()];
    let to = port
        .map(|port| format!(" to port {port}"))
        .unwrap_or_default();
    let on = iface
        .as_ref()
        .map(|i| format!(" on {i}"))
        .unwrap_or_default();
    let name = format!("{protocol}{to}{on}: {}", count(verdicts.packets, "packet"));
    lines.push(format!("name = {}", quoted(&name)));
    lines.push(match protocol.parse::<u8>() {
        Ok(number) => format!("protocol = {number}"),
        Err(_) => format!("protocol = {}", quoted(&protocol)),
    });
    lines.extend(port.map(|port| format!("destination-port = {port}")));
    lines.extend(iface.as_ref().map(|i| format!("iface = {}", quoted(i))));
    lines.push("state = \"NEW\"".to_owned());
    lines.push(format!("verdict = \"{}\"", record.verdict));
    lines.push(format!("fate = \"{}\"", record.fate));
    if let Some(rule) = record.rule {
        lines.push(format!("rule = {}", query(rule, setup, names)));
    }
    let comment = |line: &String| {
        if line.is_empty() {
            "#\n".to_owned()
        } else {
            format!("# {line}\n")
        }
    };
    lines.iter().map(comment).collect()
}

/// The rule by its comment if it has one, else by its number.
fn query(rule: RuleRef, setup: &Setup, names: &Names<'_>) -> String {
    let place = names.place(rule);
    let comment = comment(rule, setup);
    match (rule.number, comment) {
        (RuleNumber::Rule(_), Some(comment)) => format!(
            "{{ table = {}, chain = {}, comment = {} }}",
            quoted(&place.table),
            quoted(&place.chain),
            quoted(&comment)
        ),
        (RuleNumber::Rule(number), None) => {
            quoted(&format!("{} {} {number}", place.table, place.chain))
        }
        (RuleNumber::Policy, _) => quoted(&format!("{} {} policy", place.table, place.chain)),
    }
}

fn comment(rule: RuleRef, setup: &Setup) -> Option<String> {
    let RuleNumber::Rule(number) = rule.number else {
        return None;
    };
    let chain = setup
        .ruleset(rule.family)?
        .table(rule.table)?
        .chains
        .get(rule.chain as usize)?;
    let rule = chain.rules.get((number as usize).checked_sub(1)?)?;
    rule.matches.iter().find_map(|m| match m {
        Match::Comment(comment) => Some(comment.text.clone()),
        _ => None,
    })
}
