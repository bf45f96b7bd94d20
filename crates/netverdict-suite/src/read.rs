//! `case.toml` into a [`Case`].

use std::fs;
use std::path::Path;

use netverdict_bundle::LocalAddress;
use netverdict_net::InterfaceName;
use netverdict_send::{Send, SendError, Talk};
use toml::de::DeTable;

use crate::case::{Case, FILE, HostEntry, Line, Options, What};
use crate::error::Text;
use crate::expect;
use crate::section::{Section, Value};
use crate::{CaseError, LoadError};

const KEYS: [&str; 9] = [
    "description",
    "host",
    "also",
    "captures",
    "separate",
    "packets",
    "options",
    "expect",
    "snapshot",
];
const OPTIONS: [&str; 12] = [
    "local",
    "iface",
    "direction",
    "set",
    "checksums",
    "hz",
    "seed",
    "unknown",
    "backend",
    "assume",
    "lenient",
    "keep-counters",
];
/// Longest host name.
const NAME: usize = 64;

impl Case {
    /// Reads the case of a directory.
    ///
    /// # Errors
    /// Its file cannot be read, or is none.
    pub fn load(name: String, directory: &Path) -> Result<Self, LoadError> {
        let path = directory.join(FILE);
        let text = fs::read_to_string(&path).map_err(|source| LoadError::Io {
            path: path.clone(),
            source,
        })?;
        Ok(Self::parse(name, directory, &path, &text)?)
    }

    /// Reads the text of a case's file.
    ///
    /// # Errors
    /// The first thing wrong in it.
    pub fn parse(
        name: String,
        directory: &Path,
        path: &Path,
        text: &str,
    ) -> Result<Self, Box<CaseError>> {
        let text = Text { path, text };
        let document = DeTable::parse(text.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            text.error(span, "this is not TOML", error.message())
        })?;
        let root = Section::new(text, document.get_ref(), &KEYS)?;
        let options = match root.get("options") {
            Some(value) => options(&value.section(&OPTIONS)?, &Options::default())?,
            None => Options::default(),
        };
        let hosts = hosts(&root, directory, &options)?;
        let case = Self {
            name,
            directory: directory.to_owned(),
            description: root.string("description")?,
            captures: paths(&root, "captures", directory)?,
            separate: root.boolean("separate")?.unwrap_or(false),
            packets: packets(&root)?,
            expectations: expect::read(&root, &hosts)?,
            snapshot: root.boolean("snapshot")?.unwrap_or(true),
            hosts,
        };
        let has_traffic = !case.captures.is_empty() || !case.packets.is_empty();
        if !has_traffic {
            let help = "captures = [\"traffic.pcapng\"], or packets = ['in eth0 tcp 198.51.100.7:40000 > 203.0.113.1:22 syn']";
            return Err(text
                .error(
                    0..0,
                    "the case has no traffic",
                    "expected captures or packets",
                )
                .help(Some(help.to_owned())));
        }
        Ok(case)
    }
}

/// `host = "bundle"`, `host = ["old", "new"]` or `[[host]]` tables.
fn hosts(
    root: &Section<'_>,
    directory: &Path,
    defaults: &Options,
) -> Result<Vec<HostEntry>, Box<CaseError>> {
    let Some(value) = root.get("host") else {
        return Err(root.text.error(
            0..0,
            "the case names no host",
            "expected host = \"PATH\", a dump or a bundle's directory",
        ));
    };
    let also = paths(root, "also", directory)?;
    let mut hosts: Vec<HostEntry> = Vec::new();
    let mut known = vec!["name", "path", "also"];
    known.extend(OPTIONS);
    for value in value.list() {
        let host = match value.as_str() {
            Some(path) => HostEntry {
                name: file_name(path),
                path: directory.join(path),
                also: also.clone(),
                options: defaults.clone(),
            },
            None => host(&value, &known, directory, &also, defaults)?,
        };
        if hosts.iter().any(|other| other.name == host.name) {
            let title = format!("two hosts are called `{}`", host.name);
            return Err(value.error(title, "expected another name, as in name = \"other\""));
        }
        hosts.push(host);
    }
    if hosts.is_empty() {
        return Err(value.expected("at least one host"));
    }
    Ok(hosts)
}

fn host(
    value: &Value<'_>,
    known: &[&str],
    directory: &Path,
    also: &[std::path::PathBuf],
    defaults: &Options,
) -> Result<HostEntry, Box<CaseError>> {
    let section = value.section(known)?;
    let Some(path) = section.string("path")? else {
        return Err(value.error("a host without a path", "expected path = \"PATH\""));
    };
    let name = match section.get("name") {
        Some(name) => {
            let text = name.string()?;
            let is_sound = !text.is_empty() && text.len() <= NAME && file_name(&text) == text;
            if !is_sound {
                return Err(name.expected("letters, digits, `.`, `_` and `-`: it names a snapshot"));
            }
            text
        }
        None => file_name(&path),
    };
    Ok(HostEntry {
        name,
        path: directory.join(path),
        also: [also, &paths(&section, "also", directory)?].concat(),
        options: options(&section, defaults)?,
    })
}

/// A path or name with only those letters that a file's name may have anywhere.
fn file_name(text: &str) -> String {
    let text = text.trim_start_matches(['.', '/']).trim_end_matches('/');
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = text
        .chars()
        .map(|c| if keep(c) { c } else { '-' })
        .take(NAME)
        .collect();
    if name.is_empty() {
        "host".to_owned()
    } else {
        name
    }
}

fn paths(
    section: &Section<'_>,
    key: &'static str,
    directory: &Path,
) -> Result<Vec<std::path::PathBuf>, Box<CaseError>> {
    let values = section.strings(key)?;
    let paths = values.iter().filter_map(Value::as_str);
    Ok(paths.map(|path| directory.join(path)).collect())
}

fn texts(section: &Section<'_>, key: &'static str) -> Result<Vec<String>, Box<CaseError>> {
    section.strings(key)?.iter().map(Value::string).collect()
}

/// The options of a table; what it does not say is as in `defaults`.
fn options(section: &Section<'_>, defaults: &Options) -> Result<Options, Box<CaseError>> {
    let texts = |key, or: &Vec<String>| match section.get(key) {
        Some(_) => texts(section, key),
        None => Ok(or.clone()),
    };
    let word = |key, or: Option<&String>, words: &[&str]| word(section, key, or, words);
    for local in section.strings("local")? {
        if local.string()?.parse::<LocalAddress>().is_err() {
            return Err(local.expected("ADDR[/LEN][@IFACE], such as 203.0.113.1/24@eth0"));
        }
    }
    for set in section.strings("set")? {
        if !set.string()?.contains('=') {
            return Err(set.expected("KEY=VALUE, such as net.ipv4.ip_forward=1"));
        }
    }
    if let Some(iface) = section.get("iface") {
        InterfaceName::new(&iface.string()?)
            .map_err(|_| iface.expected("an interface name of at most 15 bytes"))?;
    }
    let hz = section.get("hz").map(|v| v.integer(10_000)).transpose()?;
    let seed = section.get("seed").map(|v| v.integer(u64::MAX));
    Ok(Options {
        local: texts("local", &defaults.local)?,
        iface: section.string("iface")?.or_else(|| defaults.iface.clone()),
        direction: word(
            "direction",
            defaults.direction.as_ref(),
            &["in", "out", "auto"],
        )?,
        set: texts("set", &defaults.set)?,
        checksums: word(
            "checksums",
            defaults.checksums.as_ref(),
            &["verify", "trust", "auto"],
        )?,
        hz: hz.map(|hz| hz as u32).or(defaults.hz),
        seed: seed.transpose()?.or(defaults.seed),
        unknown: word(
            "unknown",
            defaults.unknown.as_ref(),
            &["no-match", "match", "fail"],
        )?,
        backend: word("backend", defaults.backend.as_ref(), &["legacy", "nft"])?,
        assume: texts("assume", &defaults.assume)?,
        lenient: section.boolean("lenient")?.unwrap_or(defaults.lenient),
        keep_counters: section
            .boolean("keep-counters")?
            .unwrap_or(defaults.keep_counters),
    })
}

fn word(
    section: &Section<'_>,
    key: &'static str,
    default: Option<&String>,
    words: &[&str],
) -> Result<Option<String>, Box<CaseError>> {
    let Some(value) = section.get(key) else {
        return Ok(default.cloned());
    };
    let text = value.string()?;
    if words.contains(&text.as_str()) {
        return Ok(Some(text));
    }
    let help = crate::error::did_you_mean(&text, words.iter().copied());
    Err(value.expected(&words.join(", ")).help(help))
}

/// The lines of `packets`: a list of strings, or one string of several lines. `#` begins a comment.
fn packets(root: &Section<'_>) -> Result<Vec<Line>, Box<CaseError>> {
    let mut lines = Vec::new();
    for value in root.strings("packets")? {
        let whole = value.string()?;
        for line in whole.lines() {
            let text = line.trim();
            if !text.is_empty() && !text.starts_with('#') {
                lines.push(packet(&value, text)?);
            }
        }
    }
    Ok(lines)
}

fn packet(value: &Value<'_>, text: &str) -> Result<Line, Box<CaseError>> {
    let what = if Talk::is_talk(text) {
        Talk::parse(text).map(|talk| What::Talk(Box::new(talk)))
    } else {
        Send::parse(text).map(|send| What::Packet(Box::new(send)))
    };
    let text = text.to_owned();
    match what {
        Ok(what) => Ok(Line { text, what }),
        Err(error) => Err(misread(value, &text, &error)),
    }
}

fn misread(value: &Value<'_>, text: &str, error: &SendError) -> Box<CaseError> {
    let span = match value.verbatim(text) {
        Some(at) => at + error.span.start..at + error.span.end,
        None => value.span(),
    };
    let title = format!("{} cannot be read in a packet", error.found);
    value
        .text
        .error(span, title, format!("expected {}", error.expected))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CASE: &str = "host = [\"a\", \"b\"]\npackets = '''\nin eth0 ping 192.0.2.9 > 203.0.113.1 count=2\n'''\n\
        [options]\nset = \"net.ipv4.ip_forward=1\"\n[[expect]]\nflow = \"tcp 192.0.2.1:1 > 192.0.2.2:2\"\n\
        packet = [\"1-3\", 7]\nmark = \"0x1/0xff\"\nrule = { chain = \"INPUT\", number = \"policy\" }\ncount = \">= 1\"\n";

    fn parse(text: &str) -> Result<Case, Box<CaseError>> {
        Case::parse(
            "case".to_owned(),
            Path::new("dir"),
            Path::new("dir/case.toml"),
            text,
        )
    }

    #[test]
    fn a_case_is_read_with_defaults_for_what_it_does_not_say() {
        let case = parse(CASE).unwrap();
        assert!(case.snapshot && !case.separate && case.captures.is_empty());
        let names: Vec<_> = case.hosts.iter().map(|h| case.run_name(h)).collect();
        assert_eq!(names, ["case@a", "case@b"]);
        assert!(
            case.hosts
                .iter()
                .all(|h| h.options.set == ["net.ipv4.ip_forward=1"])
        );
        assert_eq!(case.expectations.len(), 1);
        assert_eq!(case.expectations[0].line, 7);
    }

    #[test]
    fn the_place_of_an_error_is_that_of_the_word() {
        let error = parse(&CASE.replace("ping", "pong")).unwrap_err();
        assert_eq!((error.line, error.column), (3, 9));
        assert_eq!(&error.excerpt[error.span.clone()], "pong");
        let error = parse(&CASE.replace("count = ", "cuont = ")).unwrap_err();
        assert_eq!(error.help.as_deref(), Some("did you mean `count`?"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(at in 0..CASE.len(), len in 0_usize..9, with in "\\PC{0,6}") {
            let end = (at + len).min(CASE.len());
            if let (Some(head), Some(tail)) = (CASE.get(..at), CASE.get(end..)) {
                let text = format!("{head}{with}{tail}");
                if let Err(error) = parse(&text) {
                    prop_assert!(error.line >= 1 && error.column >= 1);
                    prop_assert!(error.excerpt.get(error.span.clone()).is_some());
                }
            }
        }
    }
}
