//! Timeout policies as `nfct list timeout` prints them.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::text;
use netverdict_ruleset::timeouts::TimeoutPolicy;

use crate::problem::{Code, Parsed, Problem};
use crate::{Diagnostic, Severity};

/// Policies and what is wrong with their file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedTimeouts {
    /// In the order of the file.
    pub policies: Vec<TimeoutPolicy>,
    /// Lines that no policy has.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the output of `nfct list timeout`.
pub fn parse_timeouts(bytes: &[u8]) -> ParsedTimeouts {
    let text = text::decode(bytes);
    let mut reader = Reader::default();
    let mut diagnostics = Vec::new();
    for (number, source) in (1..).zip(text.lines()) {
        if let Err(problem) = reader.line(source.trim()) {
            diagnostics.push(Diagnostic::new(Severity::Error, number, source, problem));
        }
    }
    ParsedTimeouts {
        policies: reader.policies,
        diagnostics,
    }
}

/// Where in a policy a line stands.
#[derive(Default, PartialEq)]
enum Within {
    #[default]
    Nothing,
    Policy,
    Seconds,
}

#[derive(Default)]
struct Reader {
    policies: Vec<TimeoutPolicy>,
    within: Within,
}

impl Reader {
    fn line(&mut self, line: &str) -> Parsed<()> {
        let assigned = line.strip_prefix('.').and_then(|l| l.split_once(" = "));
        match (&self.within, line, assigned) {
            (_, "", _) => Ok(()),
            (Within::Nothing, _, Some((name, "{"))) => {
                self.policies.push(TimeoutPolicy {
                    name: name.to_owned(),
                    family: Family::V4,
                    protocol: Protocol(0),
                    seconds: Vec::new(),
                });
                self.within = Within::Policy;
                Ok(())
            }
            (Within::Policy, _, Some(("policy", "{"))) => {
                self.within = Within::Seconds;
                Ok(())
            }
            (Within::Policy, _, Some((key, value))) => self.property(key, value),
            (Within::Policy, "};", _) => {
                self.within = Within::Nothing;
                Ok(())
            }
            (Within::Seconds, _, Some((state, value))) => {
                let seconds = number(value)?;
                if let Some(policy) = self.policies.last_mut() {
                    policy.seconds.push((state.to_owned(), seconds));
                }
                Ok(())
            }
            (Within::Seconds, "},", _) => {
                self.within = Within::Policy;
                Ok(())
            }
            (within, found, _) => {
                let problem = Problem::new(Code::Line, format!("`{found}` is no part of a policy"));
                Err(problem.expected(match within {
                    Within::Nothing => "`.NAME = {`",
                    Within::Policy => "`.l3proto`, `.l4proto`, `.policy = {` or `};`",
                    Within::Seconds => "`.STATE = SECONDS,` or `},`",
                }))
            }
        }
    }

    fn property(&mut self, key: &str, value: &str) -> Parsed<()> {
        let value = number(value)?;
        let Some(policy) = self.policies.last_mut() else {
            return Ok(());
        };
        match (key, value) {
            // AF_INET and AF_INET6.
            ("l3proto", 2) => policy.family = Family::V4,
            ("l3proto", 10) => policy.family = Family::V6,
            ("l4proto", 0..=255) => policy.protocol = Protocol(value as u8),
            _ => {
                let problem = Problem::new(Code::Value, format!("`.{key} = {value}`"));
                return Err(problem.expected("`.l3proto` of 2 or 10, `.l4proto` up to 255"));
            }
        }
        Ok(())
    }
}

fn number(text: &str) -> Parsed<u32> {
    let digits = text.strip_suffix(',').unwrap_or(text);
    digits.parse().map_err(|_| {
        Problem::new(Code::Value, format!("`{text}` is no number")).expected("a number and a comma")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read() {
        let parsed = parse_timeouts(
            b".web = {\n\t.l3proto = 10,\n\t.l4proto = 6,\n\t.policy = {\n\t\t.SYN_SENT = 120,\n\t\t.CLOSE = 10,\n\t},\n};\n.dns = {\n\t.l3proto = 2,\n\t.l4proto = 17,\n\t.policy = {\n\t\t.REPLIED = 8,\n\t},\n};\n",
        );
        assert_eq!(parsed.diagnostics, []);
        let expected = |name: &str, family, protocol, seconds: &[(&str, u32)]| TimeoutPolicy {
            name: name.to_owned(),
            family,
            protocol,
            seconds: seconds.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect(),
        };
        assert_eq!(
            parsed.policies,
            [
                expected(
                    "web",
                    Family::V6,
                    Protocol::TCP,
                    &[("SYN_SENT", 120), ("CLOSE", 10)]
                ),
                expected("dns", Family::V4, Protocol::UDP, &[("REPLIED", 8)]),
            ]
        );
    }

    #[test]
    fn strange_lines_are_named() {
        let parsed =
            parse_timeouts(b".web = {\n\t.l3proto = 7,\n\twhat\n\t.policy = {\n\t\t.CLOSE = x,\n");
        let lines: Vec<u32> = parsed.diagnostics.iter().map(|d| d.line).collect();
        assert_eq!(lines, [2, 3, 5]);
    }
}
