//! Which tool printed a text, by its first telling line.

use netverdict_ruleset::text;

use crate::words::header;

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextKind {
    /// `iptables-save`, `ip6tables-save`, or a listing of `iptables -S`.
    Iptables,
    /// `arptables-save`.
    Arptables,
    /// `ebtables-save`.
    Ebtables,
    /// `ipset save`.
    Ipset,
    /// JSON, as `ip -j` prints it.
    Json,
    /// None of these.
    Unknown,
}

/// Looks at a text's lines until one tells.
pub fn recognise(bytes: &[u8]) -> TextKind {
    let text = text::decode(bytes);
    let mut lines = text.lines().map(str::trim);
    lines.find_map(telling).unwrap_or(TextKind::Unknown)
}

fn telling(line: &str) -> Option<TextKind> {
    if let Some((tool, ..)) = header(line) {
        return Some(match tool {
            tool if tool.starts_with("arp") => TextKind::Arptables,
            tool if tool.starts_with("eb") => TextKind::Ebtables,
            _ => TextKind::Iptables,
        });
    }
    let first = line.split_ascii_whitespace().next()?;
    match first {
        _ if first.starts_with(['[', '{']) && !is_counted_rule(line) => Some(TextKind::Json),
        "create" | "add" | "-N" if is_ipset(line) => Some(TextKind::Ipset),
        "*broute" | ":BROUTING" => Some(TextKind::Ebtables),
        "-A" | "-P" | "-N" | "-I" => Some(TextKind::Iptables),
        _ if first.starts_with(['*', ':']) || is_counted_rule(line) => Some(TextKind::Iptables),
        _ => None,
    }
}

fn is_counted_rule(line: &str) -> bool {
    line.starts_with('[') && line.contains("] -")
}

fn is_ipset(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    match words.next() {
        Some("add") => true,
        _ => words.nth(1).is_some_and(|kind| {
            ["hash:", "bitmap:", "list:", "iphash", "nethash", "setlist"]
                .iter()
                .any(|prefix| kind.starts_with(prefix))
        }),
    }
}
