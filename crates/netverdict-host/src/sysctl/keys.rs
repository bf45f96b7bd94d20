//! The settings that the model reads, each with the kernel's default (Linux 6.18).

/// A setting and what the kernel has where nobody set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Slash-separated path below `/proc/sys`.
    pub path: &'static str,
    /// The kernel's default.
    pub default: i64,
}

/// Per-device settings that are numbers, by the last component of their path.
const CONF: &[&str] = &[
    "accept_local",
    "bc_forwarding",
    "disable_ipv6",
    "force_forwarding",
    "forwarding",
    "ignore_routes_with_linkdown",
    "route_localnet",
    "rp_filter",
    "send_redirects",
    "src_valid_mark",
    "use_tempaddr",
];

/// Whether the model reads the setting as a number.
pub(super) fn is_number(path: &str) -> bool {
    let conf = path.starts_with("net/ipv4/conf/") || path.starts_with("net/ipv6/conf/");
    ALL.iter().any(|key| key.path == path)
        || conf
            && path
                .rsplit('/')
                .next()
                .is_some_and(|name| CONF.contains(&name))
}

/// IPv4 forwarding of every device.
pub const IP_FORWARD: Key = Key {
    path: "net/ipv4/ip_forward",
    default: 0,
};
/// IPv6 forwarding.
pub const IPV6_FORWARDING: Key = Key {
    path: "net/ipv6/conf/all/forwarding",
    default: 0,
};
/// TTL of packets made here.
pub const IP_DEFAULT_TTL: Key = Key {
    path: "net/ipv4/ip_default_ttl",
    default: 64,
};
/// Hop limit of packets made here.
pub const IPV6_HOP_LIMIT: Key = Key {
    path: "net/ipv6/conf/all/hop_limit",
    default: 64,
};
/// Broadcast pings are not answered.
pub const ICMP_ECHO_IGNORE_BROADCASTS: Key = Key {
    path: "net/ipv4/icmp_echo_ignore_broadcasts",
    default: 1,
};
/// Least milliseconds between limited ICMP errors to one target.
pub const ICMP_RATELIMIT: Key = Key {
    path: "net/ipv4/icmp_ratelimit",
    default: 1000,
};
/// Which ICMP types are limited, one bit each.
pub const ICMP_RATEMASK: Key = Key {
    path: "net/ipv4/icmp_ratemask",
    default: 6168,
};
/// Seconds that IPv4 fragments wait.
pub const IPFRAG_TIME: Key = Key {
    path: "net/ipv4/ipfrag_time",
    default: 30,
};
/// Fragments of one peer that may come between two of a datagram.
pub const IPFRAG_MAX_DIST: Key = Key {
    path: "net/ipv4/ipfrag_max_dist",
    default: 64,
};
/// Seconds that IPv6 fragments wait for local delivery.
pub const IP6FRAG_TIME: Key = Key {
    path: "net/ipv6/ip6frag_time",
    default: 60,
};
/// Kernel-made IPv4 replies carry the mark of what they answer.
pub const FWMARK_REFLECT: Key = Key {
    path: "net/ipv4/fwmark_reflect",
    default: 0,
};
/// Kernel-made IPv6 replies carry the mark of what they answer.
pub const IPV6_FWMARK_REFLECT: Key = Key {
    path: "net/ipv6/fwmark_reflect",
    default: 0,
};
/// Most connections tracked.
pub const CONNTRACK_MAX: Key = Key {
    path: "net/netfilter/nf_conntrack_max",
    default: 262144,
};
/// Packets with bad checksums are INVALID.
pub const CONNTRACK_CHECKSUM: Key = Key {
    path: "net/netfilter/nf_conntrack_checksum",
    default: 1,
};
/// Connections count packets and bytes.
pub const CONNTRACK_ACCT: Key = Key {
    path: "net/netfilter/nf_conntrack_acct",
    default: 0,
};
/// Connections keep start and stop times.
pub const CONNTRACK_TIMESTAMP: Key = Key {
    path: "net/netfilter/nf_conntrack_timestamp",
    default: 0,
};
/// Most expectations.
pub const CONNTRACK_EXPECT_MAX: Key = Key {
    path: "net/netfilter/nf_conntrack_expect_max",
    default: 4096,
};
/// Protocol whose INVALID packets are logged.
pub const CONNTRACK_LOG_INVALID: Key = Key {
    path: "net/netfilter/nf_conntrack_log_invalid",
    default: 0,
};
/// Helpers attach by port alone (kernels before 6.0).
pub const CONNTRACK_HELPER: Key = Key {
    path: "net/netfilter/nf_conntrack_helper",
    default: 0,
};
/// Connections may be picked up midway.
pub const TCP_LOOSE: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_loose",
    default: 1,
};
/// Segments out of window are not INVALID.
pub const TCP_BE_LIBERAL: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_be_liberal",
    default: 0,
};
/// RSTs out of window are not INVALID.
pub const TCP_IGNORE_INVALID_RST: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_ignore_invalid_rst",
    default: 0,
};
/// Retransmissions after which the timeout shrinks.
pub const TCP_MAX_RETRANS: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_max_retrans",
    default: 3,
};
/// Seconds.
pub const TCP_TIMEOUT_SYN_SENT: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_syn_sent",
    default: 120,
};
/// Seconds.
pub const TCP_TIMEOUT_SYN_RECV: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_syn_recv",
    default: 60,
};
/// Seconds.
pub const TCP_TIMEOUT_ESTABLISHED: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_established",
    default: 432000,
};
/// Seconds.
pub const TCP_TIMEOUT_FIN_WAIT: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_fin_wait",
    default: 120,
};
/// Seconds.
pub const TCP_TIMEOUT_CLOSE_WAIT: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
    default: 60,
};
/// Seconds.
pub const TCP_TIMEOUT_LAST_ACK: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_last_ack",
    default: 30,
};
/// Seconds.
pub const TCP_TIMEOUT_TIME_WAIT: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_time_wait",
    default: 120,
};
/// Seconds.
pub const TCP_TIMEOUT_CLOSE: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_close",
    default: 10,
};
/// Seconds.
pub const TCP_TIMEOUT_MAX_RETRANS: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_max_retrans",
    default: 300,
};
/// Seconds.
pub const TCP_TIMEOUT_UNACKNOWLEDGED: Key = Key {
    path: "net/netfilter/nf_conntrack_tcp_timeout_unacknowledged",
    default: 300,
};
/// Seconds.
pub const UDP_TIMEOUT: Key = Key {
    path: "net/netfilter/nf_conntrack_udp_timeout",
    default: 30,
};
/// Seconds.
pub const UDP_TIMEOUT_STREAM: Key = Key {
    path: "net/netfilter/nf_conntrack_udp_timeout_stream",
    default: 120,
};
/// Seconds.
pub const ICMP_TIMEOUT: Key = Key {
    path: "net/netfilter/nf_conntrack_icmp_timeout",
    default: 30,
};
/// Seconds.
pub const ICMPV6_TIMEOUT: Key = Key {
    path: "net/netfilter/nf_conntrack_icmpv6_timeout",
    default: 30,
};
/// Seconds.
pub const GENERIC_TIMEOUT: Key = Key {
    path: "net/netfilter/nf_conntrack_generic_timeout",
    default: 600,
};
/// Seconds.
pub const GRE_TIMEOUT: Key = Key {
    path: "net/netfilter/nf_conntrack_gre_timeout",
    default: 30,
};
/// Seconds.
pub const GRE_TIMEOUT_STREAM: Key = Key {
    path: "net/netfilter/nf_conntrack_gre_timeout_stream",
    default: 180,
};
/// Seconds.
pub const FRAG6_TIMEOUT: Key = Key {
    path: "net/netfilter/nf_conntrack_frag6_timeout",
    default: 60,
};
/// Seconds.
pub const SCTP_TIMEOUT_CLOSED: Key = Key {
    path: "net/netfilter/nf_conntrack_sctp_timeout_closed",
    default: 10,
};
/// Seconds.
pub const SCTP_TIMEOUT_COOKIE_WAIT: Key = Key {
    path: "net/netfilter/nf_conntrack_sctp_timeout_cookie_wait",
    default: 3,
};
/// Seconds.
pub const SCTP_TIMEOUT_COOKIE_ECHOED: Key = Key {
    path: "net/netfilter/nf_conntrack_sctp_timeout_cookie_echoed",
    default: 3,
};
/// Seconds.
pub const SCTP_TIMEOUT_ESTABLISHED: Key = Key {
    path: "net/netfilter/nf_conntrack_sctp_timeout_established",
    default: 210,
};
/// Seconds.
pub const SCTP_TIMEOUT_SHUTDOWN_SENT: Key = Key {
    path: "net/netfilter/nf_conntrack_sctp_timeout_shutdown_sent",
    default: 3,
};
/// Seconds.
pub const SCTP_TIMEOUT_SHUTDOWN_RECD: Key = Key {
    path: "net/netfilter/nf_conntrack_sctp_timeout_shutdown_recd",
    default: 3,
};
/// Seconds.
pub const SCTP_TIMEOUT_SHUTDOWN_ACK_SENT: Key = Key {
    path: "net/netfilter/nf_conntrack_sctp_timeout_shutdown_ack_sent",
    default: 3,
};
/// Seconds.
pub const SCTP_TIMEOUT_HEARTBEAT_SENT: Key = Key {
    path: "net/netfilter/nf_conntrack_sctp_timeout_heartbeat_sent",
    default: 30,
};
/// Seconds.
pub const DCCP_TIMEOUT_REQUEST: Key = Key {
    path: "net/netfilter/nf_conntrack_dccp_timeout_request",
    default: 240,
};
/// Seconds.
pub const DCCP_TIMEOUT_RESPOND: Key = Key {
    path: "net/netfilter/nf_conntrack_dccp_timeout_respond",
    default: 480,
};
/// Seconds.
pub const DCCP_TIMEOUT_PARTOPEN: Key = Key {
    path: "net/netfilter/nf_conntrack_dccp_timeout_partopen",
    default: 480,
};
/// Seconds.
pub const DCCP_TIMEOUT_OPEN: Key = Key {
    path: "net/netfilter/nf_conntrack_dccp_timeout_open",
    default: 43200,
};
/// Seconds.
pub const DCCP_TIMEOUT_CLOSEREQ: Key = Key {
    path: "net/netfilter/nf_conntrack_dccp_timeout_closereq",
    default: 64,
};
/// Seconds.
pub const DCCP_TIMEOUT_CLOSING: Key = Key {
    path: "net/netfilter/nf_conntrack_dccp_timeout_closing",
    default: 64,
};
/// Seconds.
pub const DCCP_TIMEOUT_TIMEWAIT: Key = Key {
    path: "net/netfilter/nf_conntrack_dccp_timeout_timewait",
    default: 240,
};
/// Every setting above.
pub const ALL: &[Key] = &[
    IP_FORWARD,
    IPV6_FORWARDING,
    IP_DEFAULT_TTL,
    IPV6_HOP_LIMIT,
    ICMP_ECHO_IGNORE_BROADCASTS,
    ICMP_RATELIMIT,
    ICMP_RATEMASK,
    IPFRAG_TIME,
    IPFRAG_MAX_DIST,
    IP6FRAG_TIME,
    FWMARK_REFLECT,
    IPV6_FWMARK_REFLECT,
    CONNTRACK_MAX,
    CONNTRACK_CHECKSUM,
    CONNTRACK_ACCT,
    CONNTRACK_TIMESTAMP,
    CONNTRACK_EXPECT_MAX,
    CONNTRACK_LOG_INVALID,
    CONNTRACK_HELPER,
    TCP_LOOSE,
    TCP_BE_LIBERAL,
    TCP_IGNORE_INVALID_RST,
    TCP_MAX_RETRANS,
    TCP_TIMEOUT_SYN_SENT,
    TCP_TIMEOUT_SYN_RECV,
    TCP_TIMEOUT_ESTABLISHED,
    TCP_TIMEOUT_FIN_WAIT,
    TCP_TIMEOUT_CLOSE_WAIT,
    TCP_TIMEOUT_LAST_ACK,
    TCP_TIMEOUT_TIME_WAIT,
    TCP_TIMEOUT_CLOSE,
    TCP_TIMEOUT_MAX_RETRANS,
    TCP_TIMEOUT_UNACKNOWLEDGED,
    UDP_TIMEOUT,
    UDP_TIMEOUT_STREAM,
    ICMP_TIMEOUT,
    ICMPV6_TIMEOUT,
    GENERIC_TIMEOUT,
    GRE_TIMEOUT,
    GRE_TIMEOUT_STREAM,
    FRAG6_TIMEOUT,
    SCTP_TIMEOUT_CLOSED,
    SCTP_TIMEOUT_COOKIE_WAIT,
    SCTP_TIMEOUT_COOKIE_ECHOED,
    SCTP_TIMEOUT_ESTABLISHED,
    SCTP_TIMEOUT_SHUTDOWN_SENT,
    SCTP_TIMEOUT_SHUTDOWN_RECD,
    SCTP_TIMEOUT_SHUTDOWN_ACK_SENT,
    SCTP_TIMEOUT_HEARTBEAT_SENT,
    DCCP_TIMEOUT_REQUEST,
    DCCP_TIMEOUT_RESPOND,
    DCCP_TIMEOUT_PARTOPEN,
    DCCP_TIMEOUT_OPEN,
    DCCP_TIMEOUT_CLOSEREQ,
    DCCP_TIMEOUT_CLOSING,
    DCCP_TIMEOUT_TIMEWAIT,
];
