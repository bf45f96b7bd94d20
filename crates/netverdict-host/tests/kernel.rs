//! The kernel as judge of routing: random hosts are built in a network namespace, their files read back, and every
//! decision compared with `ip route get`. Needs root and iproute2; says so where it lacks them.
//!
//! `NETVERDICT_ROUTE_SEEDS=100..200` runs other seeds.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test may panic as the test may"
)]

use std::fmt::Write as _;
use std::net::IpAddr;
use std::process::{Command, Stdio};

use netverdict_host::json::{parse_interfaces, parse_routes, parse_rules};
use netverdict_host::{
    DropReason, Flow, Host, HostFacts, InputRoute, LocalKind, NoRoute, OutputRoute, RouteKind,
    SourceChoice, Sysctls, Way,
};
use netverdict_net::{Device, Family, InterfaceName, Protocol};
use serde_json::Value;

#[path = "kernel/scenario.rs"]
mod scenario;

use scenario::{Query, Scenario};

#[test]
fn decisions_equal_the_kernels() {
    if let Err(why) = namespace_works() {
        println!("skipped: {why}");
        return;
    }
    let range = std::env::var("NETVERDICT_ROUTE_SEEDS").unwrap_or_else(|_| "0..8".to_owned());
    let (from, to) = range.split_once("..").expect("FROM..TO");
    let seeds = from.parse::<u64>().unwrap()..to.parse::<u64>().unwrap();
    let mut report = String::new();
    let mut compared = 0;
    for seed in seeds {
        let scenario = Scenario::new(seed);
        let answers = Answers::ask(&scenario);
        let host = answers.host();
        let before = report.len();
        for (query, answer) in scenario.queries.iter().zip(&answers.routes) {
            let ours = decide(&host, query);
            compared += 1;
            if !agree(&ours, answer) {
                writeln!(
                    report,
                    "seed {seed}: {}\n  kernel: {answer}\n  model:  {ours:?}",
                    query.command()
                )
                .unwrap();
            }
        }
        if report.len() > before {
            writeln!(report, "seed {seed} was built by:\n{}\n", scenario.script()).unwrap();
        }
    }
    println!("{compared} decisions compared");
    assert!(report.is_empty(), "{report}");
}

fn namespace_works() -> Result<(), String> {
    let tried = Command::new("unshare")
        .args(["-n", "ip", "-j", "link"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("no permission for a network namespace (needs root)".to_owned()),
        Err(e) => Err(format!("unshare: {e}")),
    }
}

/// What the kernel printed for a scenario.
struct Answers {
    sections: Vec<String>,
    routes: Vec<String>,
}

impl Answers {
    fn ask(scenario: &Scenario) -> Self {
        let output = Command::new("unshare")
            .args(["-n", "sh", "-c", &scenario.script()])
            .output()
            .expect("unshare runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut parts = text.split("##\n").map(str::to_owned);
        let sections: Vec<String> = parts.by_ref().skip(1).take(6).collect();
        let routes: Vec<String> = parts.map(|p| p.trim().to_owned()).collect();
        assert_eq!(routes.len(), scenario.queries.len(), "{text}");
        Self { sections, routes }
    }

    fn host(&self) -> Host {
        let [addr, route, route6, rule, rule6, sysctl] = self.sections.as_slice() else {
            panic!("six sections");
        };
        let both = parse_routes(route, Family::V4).unwrap();
        Host::new(HostFacts {
            interfaces: parse_interfaces(addr).unwrap(),
            addresses_known: true,
            routes_v4: Some(
                both.into_iter()
                    .filter(|r| r.family() == Family::V4)
                    .collect(),
            ),
            routes_v6: Some(
                parse_routes(route6, Family::V6)
                    .unwrap()
                    .into_iter()
                    .filter(|r| r.family() == Family::V6)
                    .collect(),
            ),
            rules_v4: Some(parse_rules(rule, Family::V4).unwrap()),
            rules_v6: Some(parse_rules(rule6, Family::V6).unwrap()),
            sysctls: Sysctls::parse(sysctl).0,
            ..HostFacts::default()
        })
    }
}

#[derive(Debug)]
enum Ours {
    In(InputRoute),
    Out(OutputRoute),
}

fn decide(host: &Host, query: &Query) -> Ours {
    let unspecified = match query.to {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::from([0; 16]),
    };
    let flow = Flow {
        tos: query.tos,
        mark: query.mark,
        protocol: Some(query.protocol.map_or(Protocol(0), Protocol)),
        ports: Some(query.ports.unwrap_or((0, 0))),
        // For IPv6 packets that come in, the command asks as nobody; the kernel's own input path asks as root.
        uid: Some(if query.iif.is_some() && query.to.is_ipv6() {
            u32::MAX
        } else {
            0
        }),
        oif: query.oif.map(|n| InterfaceName::new(n).unwrap()),
        ..Flow::output(query.from.unwrap_or(unspecified), query.to)
    };
    match query.iif {
        Some(name) => {
            let iif = Device::Named(InterfaceName::new(name).unwrap());
            Ours::In(host.route_input(&Flow { iif, ..flow }))
        }
        None => Ours::Out(host.route_output(&flow)),
    }
}

fn agree(ours: &Ours, kernel: &str) -> bool {
    let parsed: Option<Value> = serde_json::from_str(kernel).ok();
    let route = parsed.as_ref().and_then(|v| v.get(0));
    match (ours, route) {
        (Ours::In(input), Some(route)) => agree_input(input, route),
        (Ours::Out(output), Some(route)) => agree_output(output, route),
        (Ours::In(InputRoute::Drop(why)), None) => errors(*why).iter().any(|e| kernel.contains(e)),
        (Ours::Out(OutputRoute::Drop(why)), None) => kernel.contains(error(*why)),
        _ => false,
    }
}

fn text<'a>(route: &'a Value, key: &str) -> Option<&'a str> {
    route.get(key).and_then(Value::as_str)
}

fn agree_input(input: &InputRoute, route: &Value) -> bool {
    let kind = text(route, "type").unwrap_or("unicast");
    match input {
        InputRoute::Local(LocalKind::Unicast) => kind == "local",
        InputRoute::Local(LocalKind::Broadcast) => kind == "broadcast",
        InputRoute::Local(LocalKind::Multicast) => kind == "multicast",
        InputRoute::Local(LocalKind::Anycast) => kind == "anycast",
        InputRoute::Forward(way) => kind == "unicast" && agree_way(way, route),
        // IPv6 answers a refusing route with the route itself.
        InputRoute::Drop(why) => match kind {
            "blackhole" => *why == DropReason::Blackhole,
            "unreachable" => matches!(why, DropReason::Unreachable | DropReason::NoRoute),
            "prohibit" => *why == DropReason::Prohibited,
            _ => false,
        },
        InputRoute::Unknown(_) => false,
    }
}

fn agree_way(way: &Way, route: &Value) -> bool {
    let via = route.get("via").and_then(|v| text(v, "host"));
    let gateway = text(route, "gateway").or(via);
    match way.device {
        // Multipath: any hop may carry it.
        Device::Unknown => true,
        device => {
            Some(device.to_string().as_str()) == text(route, "dev")
                && (way.gateway.map(|g| g.to_string()).as_deref() == gateway
                    || way.gateway.is_none())
        }
    }
}

fn agree_output(output: &OutputRoute, route: &Value) -> bool {
    let kind = text(route, "type").unwrap_or("unicast");
    let OutputRoute::Out {
        way,
        kind: ours,
        source,
    } = output
    else {
        return false;
    };
    let same_kind = match ours {
        RouteKind::Local => matches!(kind, "local" | "anycast"),
        RouteKind::Unicast => kind == "unicast",
        RouteKind::Broadcast => kind == "broadcast",
        RouteKind::Multicast => kind == "multicast",
    };
    let told = text(route, "prefsrc").or(text(route, "from"));
    let same_source = match source {
        SourceChoice::Address(a) => told.is_none_or(|t| t == a.to_string()),
        SourceChoice::None => told.is_none(),
        SourceChoice::Unknown => !way.gateway_known,
    };
    same_kind && same_source && agree_way(way, route)
}

fn error(why: NoRoute) -> &'static str {
    match why {
        NoRoute::Missing => "Network is unreachable",
        NoRoute::Unreachable => "No route to host",
        NoRoute::Prohibit => "Permission denied",
        NoRoute::Blackhole => "Invalid argument",
    }
}

fn errors(why: DropReason) -> &'static [&'static str] {
    match why {
        DropReason::MartianSource
        | DropReason::MartianDestination
        | DropReason::LocalSource
        | DropReason::NotJoined
        | DropReason::Blackhole => &["Invalid argument"],
        // Older kernels told `ip route get` which of the two it was.
        DropReason::ReversePath => &["Invalid argument", "Invalid cross-device link"],
        DropReason::NotForwarding | DropReason::Unreachable => &["No route to host"],
        DropReason::NoRoute => &["Network is unreachable"],
        DropReason::Prohibited => &["Permission denied"],
        DropReason::Ipv6Disabled | DropReason::SourceNotForwarded | DropReason::SourceLinkLocal => {
            &[]
        }
    }
}
