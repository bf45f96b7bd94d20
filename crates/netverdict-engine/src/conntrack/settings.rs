//! Connection tracking's sysctls, timeouts in ticks.

/// `/proc/sys/net/netfilter/nf_conntrack_*` and the fragment timeouts, with the kernel's defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Ticks a second.
    pub(crate) hz: i64,
    pub(crate) tcp: TcpSettings,
    pub(crate) sctp: SctpTimeouts,
    pub(crate) udp: Pair,
    pub(crate) gre: Pair,
    pub(crate) icmp: i64,
    pub(crate) icmpv6: i64,
    pub(crate) generic: i64,
    /// Whether checksums are verified at PREROUTING.
    pub(crate) checksum: bool,
    /// Whether the kernel finds helpers by port (kernels before 6.0, if told to).
    pub(crate) automatic_helpers: bool,
    /// Whether connections count packets and bytes.
    pub(crate) accounting: bool,
    /// Whether connections keep when they began.
    pub(crate) timestamps: bool,
    /// How many connections there may be; 0 for any number.
    pub(crate) max: u32,
    /// Size of the kernel's hash table.
    pub(crate) buckets: u32,
    /// How many expectations there may be.
    pub(crate) expect_max: u32,
}

/// Timeouts before and after an answer was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) unreplied: i64,
    pub(crate) replied: i64,
}

/// What TCP tracking is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TcpSettings {
    /// By [`super::tcp::TcpState`].
    pub(crate) timeouts: [i64; 10],
    pub(crate) retransmission: i64,
    pub(crate) unacknowledged: i64,
    /// A connection with fewer ticks left is not shortened further by stray RSTs and FINs: two minutes.
    pub(crate) shrink_above: i64,
    /// Whether a connection is picked up in mid-stream.
    pub(crate) loose: bool,
    pub(crate) liberal: bool,
    pub(crate) ignore_invalid_rst: bool,
    pub(crate) max_retransmissions: u8,
}

/// By [`super::sctp::SctpState`].
pub(crate) type SctpTimeouts = [i64; 9];

impl Settings {
    /// Takes what `sysctl` knows by its path; the kernel's default where it knows nothing.
    pub(crate) fn new(hz: u32, sysctl: impl Fn(&str) -> Option<i64>) -> Self {
        let hz = i64::from(hz.max(1));
        let value = |name: &str, default| {
            sysctl(&format!("net/netfilter/nf_conntrack_{name}")).unwrap_or(default)
        };
        let seconds = |name: &str, default| value(name, default).max(0).saturating_mul(hz);
        Self {
            hz,
            tcp: TcpSettings::new(hz, &value, &seconds),
            sctp: sctp_timeouts(&seconds),
            udp: Pair {
                unreplied: seconds("udp_timeout", 30),
                replied: seconds("udp_timeout_stream", 120),
            },
            gre: Pair {
                unreplied: seconds("gre_timeout", 30),
                replied: seconds("gre_timeout_stream", 180),
            },
            icmp: seconds("icmp_timeout", 30),
            icmpv6: seconds("icmpv6_timeout", 30),
            generic: seconds("generic_timeout", 600),
            checksum: value("checksum", 1) != 0,
            automatic_helpers: value("helper", 0) != 0,
            accounting: value("acct", 0) != 0,
            timestamps: value("timestamp", 0) != 0,
            max: u32::try_from(value("max", 262_144)).unwrap_or(0),
            buckets: u32::try_from(value("buckets", 262_144)).unwrap_or(u32::MAX),
            expect_max: u32::try_from(value("expect_max", 4096)).unwrap_or(0),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(250, |_| None)
    }
}

impl TcpSettings {
    fn new(
        hz: i64,
        value: &impl Fn(&str, i64) -> i64,
        seconds: &impl Fn(&str, i64) -> i64,
    ) -> Self {
        let timeout = |name: &str, default| seconds(&format!("tcp_timeout_{name}"), default);
        let syn_sent = timeout("syn_sent", 120);
        Self {
            timeouts: [
                syn_sent,
                syn_sent,
                timeout("syn_recv", 60),
                timeout("established", 432_000),
                timeout("fin_wait", 120),
                timeout("close_wait", 60),
                timeout("last_ack", 30),
                timeout("time_wait", 120),
                timeout("close", 10),
                // SYN_SENT2 has no sysctl of its own.
                seconds("tcp_timeout_syn_sent2", 120),
            ],
            retransmission: timeout("max_retrans", 300),
            unacknowledged: timeout("unacknowledged", 300),
            shrink_above: 120 * hz,
            loose: value("tcp_loose", 1) != 0,
            liberal: value("tcp_be_liberal", 0) != 0,
            ignore_invalid_rst: value("tcp_ignore_invalid_rst", 0) != 0,
            max_retransmissions: u8::try_from(value("tcp_max_retrans", 3)).unwrap_or(u8::MAX),
        }
    }
}

fn sctp_timeouts(seconds: &impl Fn(&str, i64) -> i64) -> SctpTimeouts {
    let timeout = |name: &str, default| seconds(&format!("sctp_timeout_{name}"), default);
    let closed = timeout("closed", 10);
    [
        closed,
        closed,
        timeout("cookie_wait", 3),
        timeout("cookie_echoed", 3),
        timeout("established", 210),
        timeout("shutdown_sent", 3),
        timeout("shutdown_recd", 3),
        timeout("shutdown_ack_sent", 3),
        timeout("heartbeat_sent", 30),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysctls_are_seconds_and_override_defaults() {
        let settings = Settings::new(100, |name| match name {
            "net/netfilter/nf_conntrack_udp_timeout" => Some(7),
            "net/netfilter/nf_conntrack_tcp_loose" => Some(0),
            _ => None,
        });
        assert_eq!(settings.udp.unreplied, 700);
        assert_eq!(settings.udp.replied, 12_000);
        assert!(!settings.tcp.loose);
        assert_eq!(Settings::default().tcp.timeouts[3], 432_000 * 250);
    }
}
