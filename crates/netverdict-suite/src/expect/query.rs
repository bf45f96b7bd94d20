//! What is expected of packets.

use std::fmt;
use std::net::IpAddr;

use netverdict_engine::Transport;
use netverdict_net::{Device, InterfaceName};
use netverdict_replay::{Fate, Record, Verdict, has_ports};

use super::RuleQuery;

/// What a packet must be; tests that are not there hold.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub verdict: Vec<Verdict>,
    pub fate: Vec<Fate>,
    /// The deciding rule or policy.
    pub rule: Option<RuleQuery>,
    pub translation: Option<Translation>,
    /// The interface that it leaves by.
    pub out: Option<InterfaceName>,
    /// The mark that it leaves with: value and mask.
    pub mark: Option<(u32, u32)>,
    /// Part of the reason, where it was not a rule's verdict alone.
    pub reason: Option<String>,
}

/// What a packet leaves as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Translation {
    /// As it came.
    None,
    /// With these; what is `None` may be anything.
    To {
        source: Option<IpAddr>,
        source_port: Option<u16>,
        destination: Option<IpAddr>,
        destination_port: Option<u16>,
    },
}

/// How many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub least: u64,
    pub most: u64,
}

impl Count {
    /// At least one.
    pub const SOME: Self = Self {
        least: 1,
        most: u64::MAX,
    };

    /// Whether it is that many.
    pub const fn has(self, count: u64) -> bool {
        self.least <= count && count <= self.most
    }

    /// Reads `3`, `>= 1`, `< 10`, `1-5`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |t: &str| t.trim().parse::<u64>().ok();
        let text = text.trim();
        let any = Self {
            least: 0,
            most: u64::MAX,
        };
        if let Some(least) = text.strip_prefix(">=") {
            return Some(Self {
                least: number(least)?,
                ..any
            });
        }
        if let Some(most) = text.strip_prefix("<=") {
            return Some(Self {
                most: number(most)?,
                ..any
            });
        }
        if let Some(below) = text.strip_prefix('>') {
            let least = number(below)?.checked_add(1)?;
            return Some(Self { least, ..any });
        }
        if let Some(above) = text.strip_prefix('<') {
            let most = number(above)?.checked_sub(1)?;
            return Some(Self { most, ..any });
        }
        let (least, most) = text.split_once('-').unwrap_or((text, text));
        let (least, most) = (number(least)?, number(most)?);
        (least <= most).then_some(Self { least, most })
    }
}

/// `3`, `at least 1`, `1 to 5`.
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (least, u64::MAX) => write!(f, "at least {least}"),
            (0, most) if most > 0 => write!(f, "at most {most}"),
            (least, most) if least == most => write!(f, "{least}"),
            (least, most) => write!(f, "{least} to {most}"),
        }
    }
}

impl Wanted {
    /// Whether nothing is asked of a packet.
    pub fn is_empty(&self) -> bool {
        self.verdict.is_empty()
            && self.fate.is_empty()
            && self.rule.is_none()
            && self.translation.is_none()
            && self.out.is_none()
            && self.mark.is_none()
            && self.reason.is_none()
    }

    /// Whether a packet is all that is asked, `rules` being those that the query of a rule names.
    pub(crate) fn has(&self, record: &Record, rules: &[netverdict_engine::RuleRef]) -> bool {
        let is_one = |rule| rules.contains(&rule);
        (self.verdict.is_empty() || self.verdict.contains(&record.verdict))
            && (self.fate.is_empty() || self.fate.contains(&record.fate))
            && (self.rule.is_none() || record.rule.is_some_and(is_one))
            && self.translation.is_none_or(|t| t.has(record))
            && self
                .out
                .is_none_or(|out| record.out_device == Device::Named(out))
            && self
                .mark
                .is_none_or(|(mark, mask)| record.mark & mask == mark)
            && self.reason.as_ref().is_none_or(|reason| {
                let why = crate::snapshot::reason(record).unwrap_or_default();
                why.to_lowercase().contains(&reason.to_lowercase())
            })
    }
}

impl Translation {
    fn has(self, record: &Record) -> bool {
        let left = record.nat.map(|nat| nat.after).or(record.transport);
        let Self::To {
            source,
            source_port,
            destination,
            destination_port,
        } = self
        else {
            return left == record.transport;
        };
        let Some(Transport {
            source: from,
            destination: to,
            source_port: from_port,
            destination_port: to_port,
            protocol,
        }) = left
        else {
            return false;
        };
        let is_port = |wanted: Option<u16>, port| {
            wanted.is_none_or(|wanted| has_ports(protocol) && wanted == port)
        };
        source.is_none_or(|s| s == from)
            && destination.is_none_or(|d| d == to)
            && is_port(source_port, from_port)
            && is_port(destination_port, to_port)
    }
}

impl fmt::Display for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::To {
            source,
            source_port,
            destination,
            destination_port,
        } = self
        else {
            return f.write_str("not translated");
        };
        let end = |address: &Option<IpAddr>, port: &Option<u16>| {
            let address = match address {
                Some(IpAddr::V6(a)) if port.is_some() => format!("[{a}]"),
                Some(address) => address.to_string(),
                None => "*".to_owned(),
            };
            port.map_or_else(|| address.clone(), |port| format!("{address}:{port}"))
        };
        write!(
            f,
            "{} > {}",
            end(source, source_port),
            end(destination, destination_port)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn counts_are_read_and_said() {
        let said = |text: &str| Count::parse(text).map(|c| c.to_string());
        assert_eq!(said("3").as_deref(), Some("3"));
        assert_eq!(said("0").as_deref(), Some("0"));
        assert_eq!(said(">= 1").as_deref(), Some("at least 1"));
        assert_eq!(said("> 1").as_deref(), Some("at least 2"));
        assert_eq!(said("<5").as_deref(), Some("at most 4"));
        assert_eq!(said("1-5").as_deref(), Some("1 to 5"));
        assert_eq!(said("5-1"), None);
        assert_eq!(said("< 0"), None);
        assert_eq!(said("many"), None);
    }
}
