//! The blocks of a dump (one for each `*table` … `COMMIT`), and what tells a block's family and backend.

use std::net::{Ipv4Addr, Ipv6Addr};

use netverdict_net::Family;
use netverdict_ruleset::{Backend, TableKind, Version};

use crate::dump::FamilyEvidence;
use crate::words::header;

/// What is known of a block before its lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) family: Family,
    pub(crate) evidence: FamilyEvidence,
    pub(crate) backend: Option<Backend>,
    pub(crate) version: Option<Version>,
}

/// What the line that a tool begins a dump with says.
#[derive(Debug, Clone, Copy)]
struct Header {
    family: Family,
    backend: Option<Backend>,
    version: Option<Version>,
}

/// The headers and hints that stand before or in a block.
#[derive(Debug, Clone, Copy, Default)]
struct Hints {
    header: Option<Header>,
    v4: usize,
    v6: usize,
}

impl Hints {
    fn vote(self) -> Option<Family> {
        match (self.v4, self.v6) {
            (0, 0) => None,
            (v4, v6) if v6 > v4 => Some(Family::V6),
            _ => Some(Family::V4),
        }
    }
}

/// One entry for each block: the text before the first `*table` counts as part of the first.
pub(crate) fn survey(lines: &[&str], given: Option<Family>) -> Vec<Block> {
    let mut all = headers(lines);
    let is_told = given.is_some() || all.iter().all(|hints| hints.header.is_some());
    if !is_told {
        votes(lines, &mut all);
    }
    let total = Hints {
        header: None,
        v4: all.iter().map(|h| h.v4).sum(),
        v6: all.iter().map(|h| h.v6).sum(),
    };
    all.into_iter()
        .map(|hints| decide(hints, total, given))
        .collect()
}

/// The blocks and the headers before them.
fn headers(lines: &[&str]) -> Vec<Hints> {
    let mut all = Vec::new();
    let mut header = None;
    for line in lines {
        if let Some(found) = read_header(line) {
            header = Some(found);
        }
        if line.starts_with('*') {
            all.push(Hints {
                header,
                ..Hints::default()
            });
        }
    }
    if all.is_empty() {
        all.push(Hints {
            header,
            ..Hints::default()
        });
    }
    all
}

/// Counts in each block what only one family knows.
fn votes(lines: &[&str], all: &mut [Hints]) {
    let mut block: Option<usize> = None;
    for line in lines {
        if line.starts_with('*') {
            block = Some(block.map_or(0, |block| block + 1));
        }
        if let Some(hints) = all.get_mut(block.unwrap_or(0)) {
            count(line, hints);
        }
    }
}

fn decide(hints: Hints, total: Hints, given: Option<Family>) -> Block {
    let (family, evidence) = match (hints.header, given) {
        (Some(Header { family, .. }), _) => (family, FamilyEvidence::Header),
        (None, Some(family)) => (family, FamilyEvidence::Given),
        (None, None) => match hints.vote().or(total.vote()) {
            Some(family) => (family, FamilyEvidence::Content),
            None => (Family::V4, FamilyEvidence::Assumed),
        },
    };
    Block {
        family,
        evidence,
        backend: hints.header.and_then(|header| header.backend),
        version: hints.header.and_then(|header| header.version),
    }
}

fn read_header(line: &str) -> Option<Header> {
    let (tool, is_nft, version) = header(line)?;
    let family = if tool.starts_with("ip6tables") {
        Family::V6
    } else if tool.starts_with("iptables") {
        Family::V4
    } else {
        return None;
    };
    let backend = if is_nft || tool.contains("nft") {
        Some(Backend::Nft)
    } else {
        version.map(|_| Backend::Legacy)
    };
    Some(Header {
        family,
        backend,
        version: version.and_then(Version::read),
    })
}

/// Counts the words of a rule that only one family knows.
fn count(line: &str, hints: &mut Hints) {
    if line.starts_with('#') {
        return;
    }
    for word in line.split_ascii_whitespace() {
        // Addresses begin with a hexadecimal digit or `::`.
        let first = word.as_bytes().first().copied().unwrap_or(0);
        if first.is_ascii_hexdigit() || first == b':' {
            let host = word.split(['/', ',', '-']).next().unwrap_or_default();
            if host.contains(':') && host.parse::<Ipv6Addr>().is_ok() {
                hints.v6 += 1;
            } else if first.is_ascii_digit() && host.parse::<Ipv4Addr>().is_ok() {
                hints.v4 += 1;
            }
        }
        match word {
            "icmp6" | "icmpv6" | "ipv6-icmp" | "hl" | "ipv6header" | "rt" | "hbh" => hints.v6 += 1,
            "icmp" | "-f" => hints.v4 += 1,
            _ if word.starts_with("icmp6-") => hints.v6 += 1,
            _ if word.starts_with("icmp-") => hints.v4 += 1,
            _ => {}
        }
    }
}

/// Whether the text is a listing of `iptables -S`: no table is named, and chains come first.
pub(crate) fn is_listing(lines: &[&str]) -> bool {
    let mut told = lines
        .iter()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let first = told.next();
    first.is_some_and(|line| line.starts_with("-P ") || line.starts_with("-N "))
        && !lines.iter().any(|line| line.starts_with('*'))
}

/// The table whose built-in chains a listing or fragment uses; filter if they do not tell.
pub(crate) fn likely_table(lines: &[&str]) -> TableKind {
    let uses = |name: &str| {
        lines.iter().any(|line| {
            let mut words = line.split_ascii_whitespace();
            matches!(words.next(), Some("-P" | "-A" | "-I")) && words.next() == Some(name)
        })
    };
    let says = |word: &str| lines.iter().any(|line| line.contains(word));
    let (pre, forward, post) = (uses("PREROUTING"), uses("FORWARD"), uses("POSTROUTING"));
    if says("-j DNAT") || says("-j SNAT") || says("-j MASQUERADE") || says("-j REDIRECT") {
        return TableKind::Nat;
    }
    match (pre, forward, post) {
        (true, true, _) | (_, true, true) => TableKind::Mangle,
        (_, false, true) => TableKind::Nat,
        (true, false, false) => TableKind::Raw,
        (false, _, false) => TableKind::Filter,
    }
}
