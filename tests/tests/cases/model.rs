//! The model half: a case through the engine.

use netverdict::send::Way;
use netverdict_conform::model::namespace_facts;
use netverdict_conform::rig::{Backend, ChainCounters, Counter, Counters, TableCounters};
use netverdict_engine::{
    Config, ConnectionView, Engine, EngineInput, Entry, Fate, Input, NullObserver, Outcome,
    ProtocolState, RuleNumber, RuleRef, Tuple,
};
use netverdict_host::{Host, HostFacts};
use netverdict_net::{Device, Family};
use netverdict_ruleset::{self as ruleset, ChainKind, Ruleset};
use netverdict_syntax::{ParseOptions, parse_dump, parse_sets, parse_timeouts};

use super::connection::Line;
use super::expect::Expect;
use super::format::{Case, Step};
use super::packet;

/// What the model made of a case.
#[derive(Debug)]
pub(crate) struct ModelRun {
    pub(crate) steps: Vec<ModelStep>,
    pub(crate) counters: [Option<Counters>; 2],
    pub(crate) connections: Vec<Line>,
    /// The table as reports print it.
    pub(crate) listing: String,
}

/// What the model made of one packet.
#[derive(Debug)]
pub(crate) struct ModelStep {
    pub(crate) expect: Expect,
    /// The packet that left or was delivered.
    pub(crate) out: Option<Vec<u8>>,
}

/// Puts the case through the model.
pub(crate) fn run(case: &Case) -> Result<ModelRun, String> {
    let v4 = read(case, Family::V4)?;
    let v6 = read(case, Family::V6)?;
    let host = host(case);
    let config = Config {
        backend: Some(match case.backend {
            Backend::Legacy => ruleset::Backend::Legacy,
            Backend::Nft => ruleset::Backend::Nft,
        }),
        facts: namespace_facts(&host),
        ..Config::default()
    };
    let mut engine = Engine::new(EngineInput {
        v4: v4.as_ref(),
        v6: v6.as_ref(),
        host: &host,
        config: &config,
    });
    if let Some(text) = &case.ipset {
        engine.give_sets(&parse_sets(text.as_bytes()).sets);
    }
    if let Some(text) = &case.timeouts {
        engine.give_timeouts(&parse_timeouts(text.as_bytes()).policies);
    }
    let rules = [v4.as_ref(), v6.as_ref()];
    let steps = case.steps.iter().map(|step| take(&mut engine, rules, step));
    let steps = steps.collect();
    let mut listing = Vec::new();
    let views = engine.connections();
    netverdict_report::conntrack::write(&views, &mut listing).map_err(|e| e.to_string())?;
    Ok(ModelRun {
        listing: String::from_utf8_lossy(&listing).into_owned(),
        steps,
        counters: rules.map(|rules| rules.map(|r| counters(&engine.count_into(r)))),
        connections: views.iter().map(connection).collect(),
    })
}

/// The case's host; its routes are all that there are.
fn host(case: &Case) -> Host {
    let inferred = Host::new(case.facts.clone());
    Host::new(HostFacts {
        routes_v4: Some(inferred.routes(Family::V4).to_vec()),
        routes_v6: Some(inferred.routes(Family::V6).to_vec()),
        ..case.facts.clone()
    })
}

fn read(case: &Case, family: Family) -> Result<Option<Ruleset>, String> {
    let Some(text) = case.dump(family) else {
        return Ok(None);
    };
    let options = ParseOptions {
        family: Some(family),
    };
    let parsed = parse_dump(text.as_bytes(), &options);
    if parsed.has_errors() {
        return Err(format!("the dump is refused: {:?}", parsed.diagnostics));
    }
    Ok(parsed.ruleset(family).cloned())
}

fn take(engine: &mut Engine, rules: [Option<&Ruleset>; 2], step: &Step) -> ModelStep {
    let packet = match step.packet.packet() {
        Ok(packet) => packet,
        Err(error) => {
            let expect = Expect {
                verdict: "DROP".to_owned(),
                fate: "dropped".to_owned(),
                reason: Some(error.to_string()),
                ..Expect::default()
            };
            return ModelStep { expect, out: None };
        }
    };
    let entry = match step.packet.way {
        Way::In => Entry::Prerouting {
            in_device: step.packet.bridge.map_or(step.packet.device, Device::Named),
        },
        Way::Out => Entry::Output {
            out_device: step.packet.device,
        },
    };
    let input = Input {
        packet,
        time: step.packet.time,
        entry,
    };
    let outcome = engine.step(input, &mut NullObserver);
    let out = outcome.egress.as_ref().map(|p| p.captured().to_vec());
    ModelStep {
        expect: expect(&outcome, rules, step, out.as_deref()),
        out,
    }
}

fn expect(
    outcome: &Outcome,
    rules: [Option<&Ruleset>; 2],
    step: &Step,
    out: Option<&[u8]>,
) -> Expect {
    let came = packet::ends(&step.packet.bytes);
    let went = out.map(packet::ends);
    let decider = outcome.decided_by;
    Expect {
        verdict: format!("{:?}", outcome.verdict).to_uppercase(),
        fate: match outcome.fate {
            Fate::Local => "local",
            Fate::Forwarded => "forwarded",
            Fate::Sent => "sent",
            Fate::Dropped => "dropped",
            Fate::Queued => "queued",
            Fate::Held => "held",
        }
        .to_owned(),
        rule: decider.rule.and_then(|rule| name(rules, rule)),
        state: outcome.state.map(|s| s.to_string()),
        nat: went.filter(|went| *went != came),
        says: super::payload::changed(&step.packet.bytes, out),
        answers: outcome
            .emitted
            .iter()
            .map(|e| packet::kind(e.packet.captured()))
            .collect(),
        reason: decider.reason.map(|r| r.to_string()),
    }
}

fn name(rules: [Option<&Ruleset>; 2], rule: RuleRef) -> Option<String> {
    let [v4, v6] = rules;
    let rules = match rule.family {
        Family::V4 => v4,
        Family::V6 => v6,
    }?;
    let chain = rules.table(rule.table)?.chains.get(rule.chain as usize)?;
    let number = match rule.number {
        RuleNumber::Rule(number) => number.to_string(),
        RuleNumber::Policy => "policy".to_owned(),
    };
    Some(format!("{} {} {number}", rule.table, chain.name))
}

fn counters(rules: &Ruleset) -> Counters {
    let counter = |c: ruleset::Counters| Counter {
        packets: c.packets,
        bytes: c.bytes,
    };
    let chain = |chain: &ruleset::Chain| ChainCounters {
        name: chain.name.clone(),
        policy: match &chain.kind {
            ChainKind::Base { counters, .. } => Some(counter(*counters)),
            ChainKind::User => None,
        },
        rules: chain
            .rules
            .iter()
            .map(|r| (counter(r.counters), String::new()))
            .collect(),
    };
    let table = |table: &ruleset::Table| TableCounters {
        name: table.kind.to_string(),
        chains: table.chains.iter().map(chain).collect(),
    };
    Counters {
        tables: rules.tables.iter().map(table).collect(),
    }
}

fn connection(view: &ConnectionView) -> Line {
    let tuple = |t: &Tuple| {
        (
            t.source(),
            t.source_port,
            t.destination(),
            t.destination_port,
        )
    };
    Line {
        protocol: view.protocol,
        state: view.state.map(|state| match state {
            ProtocolState::Tcp(state) => state.name(),
            ProtocolState::Sctp(state) => state.name(),
        }),
        original: tuple(&view.original),
        reply: tuple(&view.reply),
        status: view.status.0,
        mark: view.mark,
        timeout: view.expires,
        helper: view.helper.map(str::to_owned),
        counters: view
            .counters
            .map_or([None; 2], |both| both.map(|c| Some((c.packets, c.bytes)))),
    }
}
