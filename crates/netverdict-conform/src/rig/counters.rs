//! The counters in the text of `iptables-save -c`, by table, chain and rule number.

use netverdict_net::Family;

use crate::RigError;

/// Packets and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// One chain's counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainCounters {
    /// The chain.
    pub name: String,
    /// The policy's counter; `None` for a user chain.
    pub policy: Option<Counter>,
    /// Each rule's counter and its text from `-A` on, in order.
    pub rules: Vec<(Counter, String)>,
}

/// One table's counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCounters {
    /// The table.
    pub name: String,
    /// Its chains in the order of the text.
    pub chains: Vec<ChainCounters>,
}

/// All counters of one family.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// The tables in the order of the text.
    pub tables: Vec<TableCounters>,
}

impl Counters {
    /// Reads what `iptables-save -c` printed.
    pub fn parse(family: Family, text: &str) -> Result<Self, RigError> {
        let mut counters = Self::default();
        for line in text.lines() {
            counters.take(line).ok_or_else(|| RigError::Save {
                family,
                line: line.to_owned(),
            })?;
        }
        Ok(counters)
    }

    /// The chain of a table.
    pub fn chain(&self, table: &str, chain: &str) -> Option<&ChainCounters> {
        let table = self.tables.iter().find(|t| t.name == table)?;
        table.chains.iter().find(|c| c.name == chain)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        match line.as_bytes().first() {
            None | Some(b'#' | b'C') => {}
            Some(b'*') => self.tables.push(TableCounters {
                name: line.get(1..)?.to_owned(),
                chains: Vec::new(),
            }),
            Some(b':') => {
                let chain = declaration(line.get(1..)?)?;
                self.tables.last_mut()?.chains.push(chain);
            }
            Some(b'[') => {
                let (counter, rule) = line.split_once(' ')?;
                let chain = rule.strip_prefix("-A ")?.split(' ').next()?;
                let chains = &mut self.tables.last_mut()?.chains;
                let chain = chains.iter_mut().find(|c| c.name == chain)?;
                chain.rules.push((parse_counter(counter)?, rule.to_owned()));
            }
            Some(_) => return None,
        }
        Some(())
    }
}

fn declaration(text: &str) -> Option<ChainCounters> {
    let mut words = text.split(' ');
    let name = words.next()?.to_owned();
    let policy = words.next()? != "-";
    let counter = parse_counter(words.next()?)?;
    Some(ChainCounters {
        name,
        policy: policy.then_some(counter),
        rules: Vec::new(),
    })
}

fn parse_counter(text: &str) -> Option<Counter> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let (packets, bytes) = inner.split_once(':')?;
    Some(Counter {
        packets: packets.parse().ok()?,
        bytes: bytes.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_numbered_within_their_chain() {
        let text = "# Generated\n*filter\n:INPUT DROP [1:40]\n:a - [0:0]\n[3:180] -A INPUT -j a\n[2:80] -A a -j RETURN\n[0:0] -A a -j ACCEPT\nCOMMIT\n# Completed\n";
        let counters = Counters::parse(Family::V4, text).unwrap();
        let input = counters.chain("filter", "INPUT").unwrap();
        assert_eq!(
            input.policy,
            Some(Counter {
                packets: 1,
                bytes: 40
            })
        );
        let chain = counters.chain("filter", "a").unwrap();
        assert_eq!((chain.policy, chain.rules.len()), (None, 2));
        assert_eq!(
            chain.rules[0].0,
            Counter {
                packets: 2,
                bytes: 80
            }
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_line() {
        let error = Counters::parse(Family::V6, "*filter\n[x:0] -A INPUT\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "ip6tables-save printed what cannot be read: [x:0] -A INPUT"
        );
    }
}
