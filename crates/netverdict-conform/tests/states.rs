//! The whole state tables of TCP and SCTP, asked of the kernel: every state that a connection can be led to, and then every
//! kind of packet from either side, in and out of the window, with the right tag and others.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests are tests"
)]

#[path = "traps/router.rs"]
mod router;
#[path = "states/sctp.rs"]
mod sctp;
#[path = "states/tcp.rs"]
mod tcp;

use std::net::IpAddr;

use netverdict_conform::rig::{Backend, Direction, Pace};
use netverdict_conform::{Case, Frame, random};
use netverdict_forge::random::packet;
use netverdict_net::{InterfaceName, MacAddr, Timestamp};
use router::{mac, router};

/// What rules can see of a connection.
const RULES: &str = "*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate INVALID
-A FORWARD -m conntrack --ctstate NEW
-A FORWARD -m conntrack --ctstate ESTABLISHED --ctdir ORIGINAL
-A FORWARD -m conntrack --ctstate ESTABLISHED --ctdir REPLY
-A FORWARD -m conntrack --ctstatus SEEN_REPLY
-A FORWARD -m conntrack --ctstatus ASSURED
COMMIT
";

/// Who speaks: the one who opened the connection, or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// 10.0.0.7, behind eth1.
    Client,
    /// 198.51.100.5, behind eth0.
    Server,
}

use Side::{Client, Server};

impl Side {
    fn other(self) -> Self {
        match self {
            Client => Server,
            Server => Client,
        }
    }

    fn address(self) -> IpAddr {
        let text = match self {
            Client => "10.0.0.7",
            Server => "198.51.100.5",
        };
        text.parse().unwrap()
    }

    fn interface(self) -> &'static str {
        match self {
            Client => "eth1",
            Server => "eth0",
        }
    }
}

/// One connection: its packets, from the IP header, and who sends each.
type Conversation = Vec<(Side, Vec<u8>)>;

/// Puts the conversations through kernel and model, one after the other, and holds them to each other.
fn agree(what: &str, sysctls: &[&str], conversations: Vec<Conversation>) {
    let mut facts = router();
    for setting in sysctls {
        facts.sysctls.set(setting).unwrap();
    }
    let all = conversations.into_iter().flatten();
    let frames = all.zip(0u32..).map(|((side, packet), number)| Frame {
        time: Timestamp::new(1_700_000_000, number * 1000),
        interface: InterfaceName::new(side.interface()).ok(),
        direction: Direction::In,
        bytes: packet::ethernet(
            mac(side.interface()),
            MacAddr([2, 0, 0, 0, 0, 0x99]),
            &packet,
        ),
    });
    let case = Case {
        facts,
        v4: Some(RULES.to_owned()),
        v6: None,
        ipset: None,
        timeouts: None,
        backend: Backend::Legacy,
        frames: frames.collect(),
    };
    let run = match case.run(Pace::Fast) {
        Err(error) if error.is_missing() => {
            eprintln!("SKIPPED: {error}");
            return;
        }
        other => other.unwrap(),
    };
    let compared = random::judge(case, run).unwrap();
    assert_eq!(compared.undetermined, None, "{what}");
    if !compared.differences.is_empty() {
        let small = random::smallest(compared, 400);
        panic!("{what}, {sysctls:?}: model against kernel:\n{small}");
    }
}
