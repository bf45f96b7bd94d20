//! Contradictions as findings: one for each rule and kind, with the first packets that show it.

use std::collections::BTreeMap;

use netverdict_capture::Summary;
use netverdict_engine::RuleRef;
use netverdict_lint::catalogue::{
    ACCEPTED_BUT_REFUSED, FORWARDED_BUT_LOST, LEFT_ELSEWHERE, LEFT_OTHERWISE, STOPPED_BUT_ANSWERED,
    STOPPED_BUT_LEFT,
};
use netverdict_lint::{Check, Finding, Severity, Witness};
use netverdict_replay::{Ends, FrameRef, Verdict};

use crate::auditor::{Answer, Auditor, Clash, Seen};
use crate::places::Places;

/// How many packets a finding shows.
const WITNESSES: usize = 6;

const OTHER_RULES: &str = "other rules were in force than the dump's: loaded later, by another program, or in nftables beside these";
const VANTAGE: &str = "the capture is from another vantage than assumed: another host, a mirror port, or inside a container";
const LATER: &str = "the rules were changed between the dump and the capture";

/// Clashes of one kind and rule.
#[derive(Default)]
struct Group<'c> {
    clashes: Vec<&'c Clash>,
    packets: u64,
}

impl Auditor {
    /// Everything that contradicts the rules, in no order yet.
    pub fn findings(mut self, places: &Places<'_>, captures: &[Summary]) -> Vec<Finding> {
        self.settle();
        let mut groups: BTreeMap<(&str, Option<RuleRef>, Severity), Group<'_>> = BTreeMap::new();
        for clash in &self.clashes {
            let (check, severity) = kind(clash);
            let key = (check.id, seen(clash).rule, severity);
            let group = groups.entry(key).or_default();
            group.packets += match clash {
                Clash::Lost { packets, .. } => *packets,
                _ => 1,
            };
            group.clashes.push(clash);
        }
        let findings = groups
            .into_iter()
            .filter_map(|((_, rule, severity), group)| {
                let (check, _) = kind(group.clashes.first()?);
                Some(finding(check, severity, rule, &group, places, captures))
            });
        findings.collect()
    }
}

/// What kind of finding a clash is, and how much it matters.
fn kind(clash: &Clash) -> (&'static Check, Severity) {
    match clash {
        Clash::Answered {
            how: Answer::Datagram | Answer::Reset | Answer::Port,
            ..
        } => (STOPPED_BUT_ANSWERED, Severity::Warning),
        Clash::Answered { .. } => (STOPPED_BUT_ANSWERED, Severity::Error),
        Clash::Refused {
            how: Answer::Prohibited | Answer::PortOfTcp,
            ..
        } => (ACCEPTED_BUT_REFUSED, Severity::Warning),
        Clash::Refused { .. } => (ACCEPTED_BUT_REFUSED, Severity::Note),
        Clash::Left { .. } => (STOPPED_BUT_LEFT, Severity::Error),
        Clash::Otherwise { .. } => (LEFT_OTHERWISE, Severity::Error),
        Clash::Elsewhere { .. } => (LEFT_ELSEWHERE, Severity::Warning),
        Clash::Lost { .. } => (FORWARDED_BUT_LOST, Severity::Warning),
    }
}

const fn seen(clash: &Clash) -> &Seen {
    match clash {
        Clash::Answered { question: seen, .. }
        | Clash::Refused { question: seen, .. }
        | Clash::Left { left: seen, .. }
        | Clash::Otherwise { left: seen, .. }
        | Clash::Elsewhere { left: seen, .. }
        | Clash::Lost { first: seen, .. } => seen,
    }
}

fn finding(
    check: &'static Check,
    severity: Severity,
    rule: Option<RuleRef>,
    group: &Group<'_>,
    places: &Places<'_>,
    captures: &[Summary],
) -> Finding {
    let place = places.of(rule);
    let packets = if group.packets == 1 {
        "1 packet".to_owned()
    } else {
        format!("{} packets", group.packets)
    };
    let words = words(group.clashes.first().copied(), &packets);
    let mut finding = Finding::new(check, place, words.title)
        .severity(severity)
        .label(words.label)
        .because(words.because)
        .suggest("Take the dump and the capture at the same time, on the same host; `netverdict trace --packet N` shows a packet's way.");
    finding.causes = words.causes.into_iter().map(str::to_owned).collect();
    let name = |frame: FrameRef| captures.get(frame.file).map_or("?", |c| c.name.as_str());
    let witness = |seen: &Seen, what: &str| Witness {
        file: name(seen.frame).to_owned(),
        n: seen.frame.number,
        time: seen.time.to_string(),
        what: match &seen.transport {
            Some(transport) => format!("{} {}: {what}", transport.protocol, Ends(transport)),
            None => what.to_owned(),
        },
    };
    for clash in group.clashes.iter().take(WITNESSES / 2) {
        match clash {
            Clash::Answered {
                question,
                answer,
                how,
            }
            | Clash::Refused {
                question,
                answer,
                how,
            } => {
                finding
                    .witnesses
                    .push(witness(question, question.verdict.name()));
                finding.witnesses.push(witness(answer, answered(*how)));
            }
            Clash::Left { came, left } if came.frame == left.frame => {
                finding.witnesses.push(witness(left, "captured as it left"));
            }
            Clash::Left { came, left } => {
                let what = format!("came in: {}", came.verdict);
                finding.witnesses.push(witness(came, &what));
                finding.witnesses.push(witness(left, "left"));
            }
            Clash::Otherwise { left, of, what } | Clash::Elsewhere { left, of, what } => {
                let what = format!("frame {} of {}, {what}", of.number, name(*of));
                finding.witnesses.push(witness(left, &what));
            }
            Clash::Lost {
                first,
                packets,
                out,
            } => {
                let what = format!("first of {packets}, none seen leaving by {out}");
                finding.witnesses.push(witness(first, &what));
            }
        }
    }
    finding
}

const fn answered(how: Answer) -> &'static str {
    match how {
        Answer::SynAck => "answers with SYN and ACK",
        Answer::Reset => "answers with a reset",
        Answer::Pong => "echo reply",
        Answer::Datagram => "a datagram comes back",
        Answer::Prohibited => "ICMP: administratively prohibited",
        Answer::PortOfTcp | Answer::Port => "ICMP: port unreachable",
    }
}

struct Words {
    title: String,
    label: &'static str,
    because: &'static str,
    causes: Vec<&'static str>,
}

fn words(clash: Option<&Clash>, packets: &str) -> Words {
    match clash {
        Some(Clash::Answered { question, .. }) => {
            let stopped = if question.verdict == Verdict::Reject {
                "rejected"
            } else {
                "dropped"
            };
            Words {
                title: format!("{packets} {stopped} here, but answered in the capture"),
                label: "stops packets that were answered",
                because: "By these rules the packets never arrive, yet each has its answer in the capture.",
                causes: vec![
                    OTHER_RULES,
                    LATER,
                    VANTAGE,
                    "the connection was known before the capture began (add `conntrack -L` to the bundle)",
                ],
            }
        }
        Some(Clash::Refused {
            how: Answer::Prohibited | Answer::PortOfTcp,
            ..
        }) => Words {
            title: format!("{packets} accepted here, but refused by this host in the capture"),
            label: "accepts packets that a filter refused",
            because: "Only a filter answers so; these rules have none that does.",
            causes: vec![OTHER_RULES, LATER, VANTAGE],
        },
        Some(Clash::Refused { .. }) => Words {
            title: format!("{packets} accepted here, but refused on a port that answers others"),
            label: "accepts packets that were refused",
            because: "A closed port gives the same answer, but this one answered others in the same capture.",
            causes: vec![
                OTHER_RULES,
                "what listens there was down for a while, or refuses some clients itself",
            ],
        },
        Some(Clash::Left { came, left }) if came.frame == left.frame => Words {
            title: format!("{packets} of this host stopped here, but captured as they left"),
            label: "stops packets that left",
            because: "tcpdump sees what a host sends only behind OUTPUT and POSTROUTING: the packets got through.",
            causes: vec![
                OTHER_RULES,
                LATER,
                "the address is not this host's (--local, --direction)",
            ],
        },
        Some(Clash::Left { .. }) => Words {
            title: format!("{packets} stopped here, but seen leaving"),
            label: "stops packets that left",
            because: "The same packets, by id, length and payload, left by another interface.",
            causes: vec![OTHER_RULES, LATER, VANTAGE],
        },
        Some(Clash::Otherwise { .. }) => Words {
            title: format!("{packets} left translated otherwise than by these rules"),
            label: "decided for packets that left otherwise",
            because: "The same packets, by id, length and payload, have other addresses or ports than the nat table gives them.",
            causes: vec![
                "other nat rules were in force",
                "the connection was translated by rules that are gone",
                LATER,
            ],
        },
        Some(Clash::Elsewhere { .. }) => Words {
            title: format!("{packets} left by another interface than the routes say"),
            label: "decided for packets that left elsewhere",
            because: "The packets are as predicted, but on another interface.",
            causes: vec![
                "the routes or policy rules in force are others (give `ip -j route` and `ip -j rule`)",
                "a bridge or bond that the bundle does not tell of",
            ],
        },
        Some(Clash::Lost { .. }) | None => Words {
            title: format!("{packets} forwarded here, but never seen leaving"),
            label: "passes packets on that never leave",
            because: "Other packets are seen leaving by the same interface before and after, these never.",
            causes: vec![
                OTHER_RULES,
                "the neighbour did not answer ARP, or a queue dropped them",
                VANTAGE,
            ],
        },
    }
}
