//! The timeout policies that random rules name.

use netverdict_net::{Family, Protocol};

/// As `nfct list timeout` prints them.
pub const LISTING: &str = "\
.tcp4 = {
	.l3proto = 2,
	.l4proto = 6,
	.policy = {
		.SYN_SENT = 40,
		.SYN_RECV = 41,
		.ESTABLISHED = 1000,
		.FIN_WAIT = 43,
		.CLOSE_WAIT = 44,
		.LAST_ACK = 45,
		.TIME_WAIT = 46,
		.CLOSE = 47,
		.SYN_SENT2 = 48,
		.RETRANS = 149,
		.UNACKNOWLEDGED = 150,
	},
};
.tcp6 = {
	.l3proto = 10,
	.l4proto = 6,
	.policy = {
		.ESTABLISHED = 70,
		.UNACKNOWLEDGED = 90,
		.CLOSE = 52,
	},
};
.udp4 = {
	.l3proto = 2,
	.l4proto = 17,
	.policy = {
		.UNREPLIED = 61,
		.REPLIED = 62,
	},
};
.udp6 = {
	.l3proto = 10,
	.l4proto = 17,
	.policy = {
		.UNREPLIED = 63,
	},
};
.icmp4 = {
	.l3proto = 2,
	.l4proto = 1,
	.policy = {
		.TIMEOUT = 64,
	},
};
.icmp6 = {
	.l3proto = 10,
	.l4proto = 58,
	.policy = {
		.TIMEOUT = 65,
	},
};
.sctp4 = {
	.l3proto = 2,
	.l4proto = 132,
	.policy = {
		.CLOSED = 66,
		.COOKIE_WAIT = 67,
		.COOKIE_ECHOED = 68,
		.ESTABLISHED = 69,
		.SHUTDOWN_SENT = 70,
		.SHUTDOWN_RECD = 71,
		.SHUTDOWN_ACK_SENT = 72,
	},
};
.udplite4 = {
	.l3proto = 2,
	.l4proto = 136,
	.policy = {
		.UNREPLIED = 73,
		.REPLIED = 74,
	},
};
";

/// The policy for a family's protocol.
pub(crate) const fn policy(family: Family, protocol: Protocol) -> Option<&'static str> {
    match (family, protocol) {
        (Family::V4, Protocol::TCP) => Some("tcp4"),
        (Family::V6, Protocol::TCP) => Some("tcp6"),
        (Family::V4, Protocol::UDP) => Some("udp4"),
        (Family::V6, Protocol::UDP) => Some("udp6"),
        (Family::V4, Protocol::ICMP) => Some("icmp4"),
        (Family::V6, Protocol::ICMPV6) => Some("icmp6"),
        (Family::V4, Protocol::SCTP) => Some("sctp4"),
        (Family::V4, Protocol::UDPLITE) => Some("udplite4"),
        _ => None,
    }
}
