//! Reads a host's files: one dump, a directory, standard input, and what `--also` adds.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use netverdict_host::json::{JsonError, parse_interfaces, parse_routes, parse_rules};
use netverdict_host::{Route, Sysctls};
use netverdict_net::Family;

use crate::error::NotRecognised;
use crate::source::recognise::{self, recognise};
use crate::{Bundle, BundleError, Source, SourceId, SourceKind, parse_conntrack};

impl Bundle {
    /// Reads `host`, a dump, a bundle's directory or `-`, and the files of `--also`.
    pub fn read<S: AsRef<OsStr>>(host: &OsStr, also: &[S]) -> Result<Self, BundleError> {
        let mut sources = read_host(host)?;
        for path in also {
            sources.push(read_file(path.as_ref())?);
        }
        Self::from_sources(host.to_string_lossy().into_owned(), sources)
    }

    /// Makes sense of files already read.
    pub fn from_sources(name: String, sources: Vec<Source>) -> Result<Self, BundleError> {
        refuse_doubles(&sources)?;
        let is_dump = |s: &Source| matches!(s.kind, SourceKind::Dump(_));
        if let (false, Some(first)) = (sources.iter().any(is_dump), sources.first()) {
            return Err(BundleError::OnlyOther {
                name: first.name.clone(),
                found: first.kind.command(),
            });
        }
        let mut bundle = Self {
            name,
            ..Self::default()
        };
        for (source, id) in sources.iter().zip((0..).map(SourceId)) {
            bundle.take(id, source).map_err(|error| BundleError::Json {
                name: source.name.clone(),
                error,
            })?;
        }
        bundle.sources = sources;
        Ok(bundle)
    }

    fn take(&mut self, id: SourceId, source: &Source) -> Result<(), JsonError> {
        let text = source.text();
        match source.kind {
            SourceKind::Dump(_)
            | SourceKind::Arptables
            | SourceKind::Ebtables
            | SourceKind::Ipset
            | SourceKind::Timeouts
            | SourceKind::Fingerprints => {}
            SourceKind::Addresses => self.interfaces = Some(parse_interfaces(&text)?),
            SourceKind::Routes(family) => self.take_routes(family, parse_routes(&text, family)?),
            SourceKind::Rules(Family::V4) => self.rules_v4 = Some(parse_rules(&text, Family::V4)?),
            SourceKind::Rules(Family::V6) => self.rules_v6 = Some(parse_rules(&text, Family::V6)?),
            SourceKind::Conntrack => {
                let (entries, errors) = parse_conntrack(&text);
                self.connections = Some(entries);
                self.note_conntrack_errors(id, errors);
            }
            SourceKind::Sysctl => {
                let (sysctls, errors) = Sysctls::parse(&text);
                self.sysctls = Some(sysctls);
                self.note_sysctl_errors(id, errors);
            }
        }
        Ok(())
    }

    /// `table all` prints both families, so either file may bring the other's routes; each family's own file outranks.
    fn take_routes(&mut self, of: Family, routes: Vec<Route>) {
        let (v4, v6): (Vec<_>, Vec<_>) = routes.into_iter().partition(|r| r.family() == Family::V4);
        if of == Family::V4 || self.routes_v4.is_none() && !v4.is_empty() {
            self.routes_v4 = Some(v4);
        }
        if of == Family::V6 || self.routes_v6.is_none() && !v6.is_empty() {
            self.routes_v6 = Some(v6);
        }
    }
}

fn read_host(host: &OsStr) -> Result<Vec<Source>, BundleError> {
    if host != "-" && Path::new(host).is_dir() {
        read_directory(Path::new(host))
    } else {
        Ok(vec![read_file(host)?])
    }
}

fn read_directory(directory: &Path) -> Result<Vec<Source>, BundleError> {
    let io = |source| io_error(&directory.to_string_lossy(), source);
    // Listing first tells a directory that may not be read from one that lacks the files.
    let names: Vec<_> = fs::read_dir(directory)
        .map_err(io)?
        .map(|entry| entry.map(|e| e.file_name()))
        .collect::<Result<_, _>>()
        .map_err(io)?;
    let mut sources = Vec::new();
    for kind in SourceKind::ALL {
        for name in kind.file_names() {
            if names.iter().any(|n| n == name) {
                let path = directory.join(name);
                sources.extend(read_named(path.as_os_str(), kind)?);
            }
        }
    }
    if sources
        .iter()
        .any(|s| matches!(s.kind, SourceKind::Dump(_)))
    {
        Ok(sources)
    } else {
        Err(no_dump(directory))
    }
}

fn no_dump(directory: &Path) -> BundleError {
    let others = Family::ALL
        .iter()
        .flat_map(|f| SourceKind::Dump(*f).file_names().iter().skip(1).copied())
        .collect::<Vec<_>>()
        .join(", ");
    BundleError::NoDump {
        name: directory.display().to_string(),
        others,
    }
}

/// Reads a bundle's file. An empty one is the output of a command that had nothing to print, or that failed: there is
/// nothing in it.
fn read_named(path: &OsStr, kind: SourceKind) -> Result<Option<Source>, BundleError> {
    let name = path.to_string_lossy().into_owned();
    let bytes = fs::read(path).map_err(|e| io_error(&name, e))?;
    if let Some(found) = recognise::binary(&bytes) {
        return Err(BundleError::Unexpected {
            name,
            found: found.to_owned(),
            expected: kind,
        });
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let kind = match (kind, recognise(&bytes)) {
        // `iptables-save` under the other family's name is a mistake worth a word; the rest is the parsers' to judge.
        (SourceKind::Dump(named), Ok(SourceKind::Dump(found)))
            if named != found && has_header(&bytes) =>
        {
            return Err(BundleError::Unexpected {
                name,
                found: format!("the output of `{}`", SourceKind::Dump(found).command()),
                expected: kind,
            });
        }
        _ => kind,
    };
    Ok(Some(Source { name, kind, bytes }))
}

fn has_header(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).contains("# Generated by ip")
}

fn read_file(path: &OsStr) -> Result<Source, BundleError> {
    let name = path.to_string_lossy().into_owned();
    let bytes = if path == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else if Path::new(path).is_dir() {
        Err(io::Error::from(io::ErrorKind::IsADirectory))
    } else {
        fs::read(path)
    }
    .map_err(|e| io_error(&name, e))?;
    let file_name = Path::new(path).file_name().and_then(OsStr::to_str);
    let named = file_name.and_then(SourceKind::of_file_name);
    let kind = match (recognise(&bytes), named) {
        // An empty list is whatever the name says.
        (Err(NotRecognised::Text), Some(kind)) => kind,
        // `ip -j rule` prints the same for both families: the name tells.
        (Ok(SourceKind::Rules(_)), Some(kind @ SourceKind::Rules(_))) => kind,
        (Ok(SourceKind::Routes(_)), Some(kind @ SourceKind::Routes(_))) => kind,
        // A dump without a header and without an address fits both families.
        (Ok(SourceKind::Dump(_)), _) if named_v6(&name) && !has_header(&bytes) => {
            SourceKind::Dump(Family::V6)
        }
        (Ok(kind), _) => kind,
        (Err(problem), _) => return Err(BundleError::NotRecognised { name, problem }),
    };
    Ok(Source { name, kind, bytes })
}

fn named_v6(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or_default();
    file.contains("ip6") || file.strip_suffix(".v6").is_some()
}

fn refuse_doubles(sources: &[Source]) -> Result<(), BundleError> {
    for (i, second) in sources.iter().enumerate() {
        if let Some(first) = sources.iter().take(i).find(|s| s.kind == second.kind) {
            return Err(BundleError::Twice {
                kind: second.kind,
                first: first.name.clone(),
                second: second.name.clone(),
            });
        }
    }
    Ok(())
}

fn io_error(name: &str, source: io::Error) -> BundleError {
    BundleError::Io {
        name: name.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
