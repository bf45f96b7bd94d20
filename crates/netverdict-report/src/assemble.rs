//! From a finished replay to the report document.

use netverdict_bundle::Assumption;
use netverdict_capture::{Direction, Summary};
use netverdict_engine::{Checksums, Config, RuleNumber, RuleRef, Transport, UnknownPolicy};
use netverdict_net::Device;
use netverdict_replay::{Ends, FrameRef, Setup, Totals, has_ports};
use netverdict_ruleset::{Backend, Counters, Ruleset};

use crate::model;
use crate::names::{Names, seconds};
use crate::tally::{BlockedFlow, Moment, Tally, UnknownKey, UnknownSum};

/// A finished replay.
#[derive(Debug, Clone, Copy)]
pub struct Run<'r> {
    pub setup: &'r Setup,
    pub captures: &'r [Summary],
    pub tally: &'r Tally,
    pub totals: &'r Totals,
    /// What was taken for granted about the host.
    pub assumptions: &'r [Assumption],
    /// What was odd about the stream.
    pub warnings: &'r [String],
    pub fail_on_unknown: bool,
    pub separate: bool,
    pub keep_counters: bool,
    /// The program's version.
    pub version: &'static str,
}

/// Makes the document.
pub fn assemble(run: &Run<'_>) -> model::Report {
    let names = Names::new(run.setup);
    let tally = run.tally;
    model::Report {
        schema: model::SCHEMA.to_owned(),
        version: run.version.to_owned(),
        host: host(run.setup),
        captures: run.captures.iter().map(capture).collect(),
        assumptions: assumptions(run.assumptions),
        settings: settings(run),
        frames: tally.frames,
        totals: totals(tally),
        rules: rules(run, &names),
        reasons: reasons(tally),
        blocked: tally
            .blocked
            .iter()
            .map(|flow| blocked(flow, run, &names))
            .collect(),
        blocked_omitted: tally.blocked_omitted,
        unknowns: tally
            .unknowns
            .iter()
            .map(|(key, sum)| unknown(key, sum, run, &names))
            .collect(),
        evidence: evidence(run),
        emitted: tally
            .emitted
            .iter()
            .map(|(what, packets)| model::Emitted {
                what: what.clone(),
                packets: *packets,
            })
            .collect(),
        warnings: warnings(run),
    }
}

/// The host of a replay, as documents describe it.
pub fn host(setup: &Setup) -> model::Host {
    model::Host {
        name: setup.bundle.name.clone(),
        files: setup
            .bundle
            .sources
            .iter()
            .map(|s| model::File {
                path: s.name.clone(),
                command: s.kind.command().to_owned(),
            })
            .collect(),
        rulesets: setup.rulesets.iter().map(|r| ruleset(r, setup)).collect(),
    }
}

fn ruleset(ruleset: &Ruleset, setup: &Setup) -> model::Ruleset {
    let path = setup.dump(ruleset.family).map(|source| source.name.clone());
    model::Ruleset {
        family: ruleset.family.to_string(),
        backend: backend(ruleset, &setup.config).to_string(),
        path: path.unwrap_or_default(),
        tables: ruleset
            .tables
            .iter()
            .map(|t| t.kind.name().to_owned())
            .collect(),
        rules: ruleset.rules().count() as u64,
    }
}

fn backend(ruleset: &Ruleset, config: &Config) -> Backend {
    config
        .backend
        .or(ruleset.backend)
        .unwrap_or(Backend::Legacy)
}

/// A capture, as documents describe it.
pub fn capture(summary: &Summary) -> model::Capture {
    let name = |i: &netverdict_capture::Interface| i.name.clone();
    model::Capture {
        path: summary.name.clone(),
        format: summary.format.to_string(),
        compression: summary.compression.map(|c| c.name().to_owned()),
        frames: summary.frames,
        first: summary.earliest.map(seconds),
        last: summary.latest.map(seconds),
        interfaces: summary.interfaces.iter().filter_map(name).collect(),
        link_types: summary.link_types.keys().map(ToString::to_string).collect(),
    }
}

/// What was taken for granted about a host, as documents list it.
pub fn assumptions(taken: &[Assumption]) -> Vec<model::Assumption> {
    taken
        .iter()
        .map(|a| model::Assumption {
            subject: a.subject.name().to_owned(),
            text: a.text.clone(),
            flag: a.flag.clone(),
        })
        .collect()
}

fn settings(run: &Run<'_>) -> model::Settings {
    let config = &run.setup.config;
    model::Settings {
        hz: config.hz,
        seed: config.seed,
        checksums: match config.checksums {
            Checksums::Verify => "verify",
            Checksums::Trust => "trust",
            Checksums::Auto => "auto",
        }
        .to_owned(),
        unknown: match config.unknown {
            _ if run.fail_on_unknown => "fail",
            UnknownPolicy::NoMatch => "no-match",
            UnknownPolicy::Match => "match",
        }
        .to_owned(),
        separate: run.separate,
        keep_counters: run.keep_counters,
    }
}

fn totals(tally: &Tally) -> Vec<model::Total> {
    let totals = tally.totals.iter();
    totals
        .map(|((verdict, fate), sum)| model::Total {
            verdict: verdict.name().to_owned(),
            fate: fate.name().to_owned(),
            packets: sum.packets,
            bytes: sum.bytes,
        })
        .collect()
}

/// Every rule, each chain's policy after its rules.
fn rules(run: &Run<'_>, names: &Names<'_>) -> Vec<model::Rule> {
    let places = places(&run.setup.rulesets).into_iter();
    let counted = places.map(|place| (place, run.totals.get(place).unwrap_or_default()));
    counted
        .map(|(place, counters)| rule(place, counters, run, names))
        .collect()
}

/// The places of [`model::Report::rules`], in its order.
pub(crate) fn places(rulesets: &[Ruleset]) -> Vec<RuleRef> {
    let tables = rulesets
        .iter()
        .flat_map(|ruleset| ruleset.tables.iter().map(|table| (ruleset.family, table)));
    let chains = tables.flat_map(|(family, table)| {
        let chains = table.chains.iter().zip(0..);
        chains.map(move |(chain, index)| (family, table.kind, index, chain))
    });
    let places = chains.flat_map(|(family, table, index, chain)| {
        let place = move |number| RuleRef {
            family,
            table,
            chain: index,
            number,
        };
        let rules = (1..).zip(&chain.rules);
        let rules = rules.map(move |(number, _)| place(RuleNumber::Rule(number)));
        rules.chain(chain.counters().map(|_| place(RuleNumber::Policy)))
    });
    places.collect()
}

fn rule(place: RuleRef, counters: Counters, run: &Run<'_>, names: &Names<'_>) -> model::Rule {
    let decided = run.tally.decided.get(&place).copied().unwrap_or_default();
    model::Rule {
        place: names.place(place),
        text: names.text(place),
        packets: counters.packets,
        bytes: counters.bytes,
        decided: decided.packets,
        decided_bytes: decided.bytes,
        undecided: run.tally.undecided.get(&place).copied().unwrap_or(0),
    }
}

fn reasons(tally: &Tally) -> Vec<model::ReasonTotal> {
    let reasons = tally.reasons.iter();
    reasons
        .map(|((reason, verdict, fate), sum)| model::ReasonTotal {
            reason: reason.clone(),
            verdict: verdict.name().to_owned(),
            fate: fate.name().to_owned(),
            packets: sum.packets,
            bytes: sum.bytes,
        })
        .collect()
}

fn blocked(flow: &BlockedFlow, run: &Run<'_>, names: &Names<'_>) -> model::Flow {
    let ends = flow.transport.as_ref();
    let port = |pick: fn(&Transport) -> u16| ends.filter(|t| has_ports(t.protocol)).map(pick);
    model::Flow {
        flow: flow.flow.map(|f| f.0),
        verdict: flow.verdict.name().to_owned(),
        protocol: ends.map_or_else(String::new, |t| t.protocol.to_string()),
        source: ends.map_or_else(String::new, |t| t.source.to_string()),
        source_port: port(|t| t.source_port),
        destination: ends.map_or_else(String::new, |t| t.destination.to_string()),
        destination_port: port(|t| t.destination_port),
        interface: device(flow.interface),
        direction: direction(flow.direction).to_owned(),
        rule: flow.rule.map(|rule| names.place(rule)),
        reason: flow.reason.clone(),
        packets: flow.sum.packets,
        bytes: flow.sum.bytes,
        first: frame(flow.first, run),
    }
}

pub(crate) fn device(device: Device) -> Option<String> {
    device.name().map(ToString::to_string)
}

pub(crate) const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

fn unknown(key: &UnknownKey, sum: &UnknownSum, run: &Run<'_>, names: &Names<'_>) -> model::Unknown {
    let (rule, index, why) = key;
    model::Unknown {
        rule: rule.map(|rule| names.place(rule)),
        test: rule.and_then(|rule| names.test(rule, *index)),
        why: why.clone(),
        packets: sum.packets,
        decides: sum.decides,
        first: frame(sum.first, run),
    }
}

fn file(place: FrameRef, run: &Run<'_>) -> String {
    run.captures
        .get(place.file)
        .map_or_else(|| "?".to_owned(), |c| c.name.clone())
}

fn frame(moment: Moment, run: &Run<'_>) -> model::Frame {
    model::Frame {
        file: file(moment.frame, run),
        n: moment.frame.number,
        time: seconds(moment.time),
    }
}

fn evidence(run: &Run<'_>) -> model::Evidence {
    let tally = run.tally;
    let contradictions = tally.contradictions.iter();
    model::Evidence {
        agreed: tally.agreed,
        contradicted: tally.contradicted,
        contradictions: contradictions
            .map(|(moment, of, what)| model::Contradiction {
                frame: frame(*moment, run),
                of_file: file(*of, run),
                of_n: of.number,
                what: what.to_string(),
            })
            .collect(),
    }
}

fn warnings(run: &Run<'_>) -> Vec<String> {
    let of_captures = run
        .captures
        .iter()
        .flat_map(|c| c.warnings.iter().map(|w| format!("{}: {w}", c.name)));
    of_captures.chain(run.warnings.iter().cloned()).collect()
}

/// `tcp 192.0.2.1:80 > 192.0.2.9:4000`.
pub(crate) fn ends(transport: &Transport) -> String {
    format!("{} {}", transport.protocol, Ends(transport))
}
