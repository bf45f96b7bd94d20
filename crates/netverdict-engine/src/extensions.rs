//! The list of every match and target and how far it is modelled. Adding one means adding a line here: the list is an
//! exhaustive match over [`Match`] and [`Target`].

use netverdict_ruleset::{Match, Target};

/// What is known of one match or target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    pub kind: ExtensionKind,
    /// The name behind `-m` or `-j`.
    pub name: &'static str,
    pub status: ExtensionStatus,
    /// What it does, in a line.
    pub does: &'static str,
    /// Facts that decide it where inputs do not, an example each (`--assume`).
    pub facts: &'static [&'static str],
}

/// Whether it tests or acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExtensionKind {
    Match,
    Target,
}

/// How far it is modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExtensionStatus {
    /// As the kernel has it, from what dump, bundle and capture tell.
    Exact,
    /// As the kernel has it, once something is given that a dump and a capture do not tell.
    NeedsFacts,
    /// Read and printed; where it would decide, the verdict is unknown.
    ParsedOnly,
}

impl ExtensionKind {
    /// `match` or `target`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Target => "target",
        }
    }
}

impl ExtensionStatus {
    /// `exact`, `needs facts` or `parsed only`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::NeedsFacts => "needs facts",
            Self::ParsedOnly => "parsed only",
        }
    }
}

/// All matches, then all targets, then those that nobody models.
pub fn extensions() -> impl Iterator<Item = &'static Extension> {
    MATCHES.iter().chain(TARGETS).chain(FOREIGN)
}

/// The entry of a match.
pub fn of_match(test: &Match) -> Option<&'static Extension> {
    named(ExtensionKind::Match, name_of_match(test)?)
}

/// The entry of a target; `None` for jumps.
pub fn of_target(target: &Target) -> Option<&'static Extension> {
    named(ExtensionKind::Target, name_of_target(target)?)
}

fn named(kind: ExtensionKind, name: &str) -> Option<&'static Extension> {
    extensions().find(|e| e.kind == kind && e.name == name)
}

/// The list of one kind, and the name in it of each variant: without a line here, a new variant does not compile.
macro_rules! catalogue {
    ($list:ident, $name_of:ident, $kind:ident;
     { $($pattern:pat $(if $guard:expr)? => $name:literal $status:ident $does:literal [$($fact:literal),*],)+ }
     else $($rest:pat => $answer:expr),+) => {
        const $list: &[Extension] = &[$(Extension {
            kind: ExtensionKind::$kind,
            name: $name,
            status: ExtensionStatus::$status,
            does: $does,
            facts: &[$($fact),*],
        }),+];

        fn $name_of(of: &$kind) -> Option<&str> {
            Some(match of {
                $($pattern $(if $guard)? => $name,)+
                $($rest => return $answer),+
            })
        }
    };
}

catalogue! { MATCHES, name_of_match, Match; {
    Match::Addrtype(_) => "addrtype" Exact "Tests what kind of address source and destination are to the host's routes." [],
    Match::Ah(_) => "ah" Exact "Tests the SPI, and in IPv6 the length and reserved field, of an authentication header." [],
    Match::Bpf(_) => "bpf" Exact "Runs a classic BPF program over the packet; a pinned program is unknown." ["bpf match for udp"],
    Match::Cgroup(_) => "cgroup" NeedsFacts "Tests the control group of the packet's socket." ["cgroup path system.slice/nginx.service", "cgroup class 7", "cgroup none"],
    Match::Cluster(_) => "cluster" Exact "Deals connections out to the nodes of a cluster by a hash of their source." [],
    Match::Comment(_) => "comment" Exact "Says something to the reader; always true." [],
    Match::Connbytes(_) => "connbytes" Exact "Tests how many bytes or packets a connection has carried." [],
    Match::Connlabel(_) => "connlabel" Exact "Tests, and may set, a label of the connection." [],
    Match::Connlimit(_) => "connlimit" Exact "Tests how many connections an address or network has." [],
    Match::Connmark(_) => "connmark" Exact "Tests the connection's mark." [],
    Match::Conntrack(m) if m.is_state => "state" Exact "Tests how the packet relates to its connection." [],
    Match::Conntrack(_) => "conntrack" Exact "Tests everything that connection tracking knows of the packet." ["conntrack on"],
    Match::Cpu(_) => "cpu" NeedsFacts "Tests which processor handles the packet." ["cpu 0"],
    Match::Dccp(_) => "dccp" Exact "Tests ports, packet type and options of DCCP." [],
    Match::Devgroup(_) => "devgroup" Exact "Tests the groups of the devices that the packet came in and goes out by." ["devgroup eth0 5"],
    Match::Dscp(_) => "dscp" Exact "Tests the six bits of differentiated services." [],
    Match::Dst(_) => "dst" Exact "Tests the destination options header of IPv6." [],
    Match::Ecn(_) => "ecn" Exact "Tests the bits of explicit congestion notification in IP and TCP." [],
    Match::Esp(_) => "esp" Exact "Tests the SPI of an encapsulated payload." [],
    Match::Eui64(_) => "eui64" Exact "Tests whether an IPv6 source was made from the frame's source MAC address." ["eui64 match"],
    Match::Frag(_) => "frag" Exact "Tests the fragment header of IPv6." [],
    Match::Hashlimit(_) => "hashlimit" Exact "Limits the rate of packets or bytes for each address, port or network." [],
    Match::Hbh(_) => "hbh" Exact "Tests the hop-by-hop options header of IPv6." [],
    Match::Helper(_) => "helper" Exact "Tests which helper a connection belongs to, or was announced by." [],
    Match::Hl(_) => "hl" Exact "Tests the hop limit." [],
    Match::Icmp(_) => "icmp" Exact "Tests type and code of ICMP." [],
    Match::Icmp6(_) => "icmp6" Exact "Tests type and code of ICMPv6." [],
    Match::Ipcomp(_) => "ipcomp" Exact "Tests the CPI of a compressed payload." [],
    Match::Iprange(_) => "iprange" Exact "Tests whether source and destination lie in ranges." [],
    Match::Ipv6header(_) => "ipv6header" Exact "Tests which extension headers an IPv6 packet has." [],
    Match::Ipvs(_) => "ipvs" NeedsFacts "Tests the virtual service that a packet belongs to." ["ipvs service tcp 203.0.113.1:80 method masq dir original", "ipvs none"],
    Match::Length(_) => "length" Exact "Tests the packet's length." [],
    Match::Limit(_) => "limit" Exact "Limits the rate of packets that match." [],
    Match::Mac(_) => "mac" Exact "Tests the frame's source MAC address; unknown where the capture has none." ["mac match for tcp 192.0.2.1:* > *"],
    Match::Mark(_) => "mark" Exact "Tests the packet's mark." [],
    Match::Mh(_) => "mh" Exact "Tests the type of an IPv6 mobility header." [],
    Match::Multiport(_) => "multiport" Exact "Tests ports against a list of ports and ranges." [],
    Match::Nfacct(_) => "nfacct" NeedsFacts "Counts in a named object, and tests whether its quota is used up." ["nfacct web none", "nfacct web bytes 1000000 used 5000"],
    Match::Osf(_) => "osf" NeedsFacts "Tests which operating system a TCP SYN looks like, by the fingerprints in the bundle's `pf.os`." ["osf match for tcp 192.0.2.1:* > *"],
    Match::Owner(_) => "owner" NeedsFacts "Tests the owner of the socket that sent the packet." ["owner uid 1000 gid 100 groups 4,27 for tcp 192.0.2.1:* > *:443", "owner exists", "owner none"],
    Match::Physdev(_) => "physdev" NeedsFacts "Tests the bridge ports that the packet came in and goes out by: the first is known of captures below a bridge." ["physdev in eth1 out eth2 for tcp", "physdev none"],
    Match::Pkttype(_) => "pkttype" Exact "Tests whether the frame was for this host, for all or for a group." [],
    Match::Policy(_) => "policy" NeedsFacts "Tests how IPsec protected, or will protect, the packet." ["policy none", "policy in esp tunnel reqid 1 src 198.51.100.1 dst 203.0.113.1"],
    Match::Quota(_) => "quota" Exact "Matches until so many bytes have passed." [],
    Match::Rateest(_) => "rateest" Exact "Compares the estimates of RATEEST rules, whose timers start with the first packet." ["rateest wan bps 125000 pps 90"],
    Match::Realm(_) => "realm" Exact "Tests the realm of the packet's route; unknown where no routes are given." ["realm 10"],
    Match::Recent(_) => "recent" Exact "Remembers addresses, and tests whether and how often they were seen." [],
    Match::Rpfilter(_) => "rpfilter" Exact "Tests whether an answer would leave by the device that the packet came in by." ["rpfilter match"],
    Match::Rt(_) => "rt" Exact "Tests the routing header of IPv6." [],
    Match::Sctp(_) => "sctp" Exact "Tests ports and chunks of SCTP." [],
    Match::Set(_) => "set" Exact "Tests whether the packet is in an ipset; unknown where the set is not given." ["set blocklist match for tcp 192.0.2.0/24:* > *", "set allowed no-match"],
    Match::Socket(_) => "socket" NeedsFacts "Tests whether a local socket waits for the packet." ["socket found transparent mark 1 for tcp *:* > 192.0.2.1:80", "socket none"],
    Match::Srh(_) => "srh" Exact "Tests the segment routing header of IPv6." [],
    Match::Statistic(_) => "statistic" Exact "Matches every so many packets, or at random by `--seed`." [],
    Match::String(_) => "string" Exact "Looks for bytes in the packet." [],
    Match::Tcp(_) => "tcp" Exact "Tests ports, flags and options of TCP." [],
    Match::Tcpmss(_) => "tcpmss" Exact "Tests the maximum segment size that a TCP SYN offers." [],
    Match::Time(_) => "time" Exact "Tests the packet's time of day, weekday, day of month and date." [],
    Match::Tos(_) => "tos" Exact "Tests the type of service or traffic class." [],
    Match::Ttl(_) => "ttl" Exact "Tests the time to live." [],
    Match::U32(_) => "u32" Exact "Computes with 32-bit words of the packet and tests the results." [],
    Match::Udp(_) => "udp" Exact "Tests ports of UDP." [],
} else Match::Unsupported(m) => Some(&m.name)
}

catalogue! { TARGETS, name_of_target, Target; {
    Target::Accept => "ACCEPT" Exact "The table is done with the packet." [],
    Target::Drop => "DROP" Exact "The packet ends here." [],
    Target::Return => "RETURN" Exact "Back to the calling chain; in a built-in chain, its policy." [],
    Target::Queue => "QUEUE" Exact "To a program by queue 0; without one the packet is dropped." [],
    Target::Notrack => "NOTRACK" Exact "No connection tracking for the packet." [],
    Target::Trace => "TRACE" Exact "Logs every rule that the packet meets from here on." [],
    Target::Audit(_) => "AUDIT" Exact "Writes an audit record." [],
    Target::Checksum(_) => "CHECKSUM" Exact "Fills in the checksum." [],
    Target::Classify(_) => "CLASSIFY" Exact "Sets the packet's priority." [],
    Target::Connmark(_) => "CONNMARK" Exact "Sets the connection's mark, or copies it from and to the packet." [],
    Target::Connsecmark(_) => "CONNSECMARK" Exact "Copies security labels between packet and connection; no rule sees them." [],
    Target::Ct(_) => "CT" Exact "Says how the packet's connection is tracked." [],
    Target::Dnat(_) => "DNAT" Exact "Translates the destination." [],
    Target::Dscp(_) => "DSCP" Exact "Sets the six bits of differentiated services." [],
    Target::Ecn(_) => "ECN" Exact "Clears ECN bits of TCP, or sets those of IP." [],
    Target::Hl(_) => "HL" Exact "Changes the hop limit." [],
    Target::Hmark(_) => "HMARK" Exact "Sets the mark to a hash over the packet's ends." [],
    Target::Idletimer(_) => "IDLETIMER" Exact "Restarts a timer that tells programs of silence." [],
    Target::Led(_) => "LED" Exact "Lights a lamp." [],
    Target::Log(_) => "LOG" Exact "Writes to the kernel's log." [],
    Target::Mark(_) => "MARK" Exact "Sets the packet's mark." [],
    Target::Masquerade(_) => "MASQUERADE" Exact "Translates the source to the out-device's address." [],
    Target::Netmap(_) => "NETMAP" Exact "Translates a network to another, host by host." [],
    Target::Nflog(_) => "NFLOG" Exact "Hands a copy to a program." [],
    Target::Nfqueue(_) => "NFQUEUE" Exact "To a program by a queue; without one the packet is dropped, or goes on with --queue-bypass." [],
    Target::Dnpt(_) => "DNPT" Exact "Translates the prefix of an IPv6 destination." [],
    Target::Snpt(_) => "SNPT" Exact "Translates the prefix of an IPv6 source." [],
    Target::Rateest(_) => "RATEEST" Exact "Counts the packet in a rate estimator." [],
    Target::Redirect(_) => "REDIRECT" Exact "Translates the destination to the in-device's address." [],
    Target::Reject(_) => "REJECT" Exact "Drops the packet and tells its sender." [],
    Target::Secmark(_) => "SECMARK" Exact "Sets the packet's security label; no rule sees it." [],
    Target::Set(_) => "SET" Exact "Adds to, deletes from and reads ipsets." [],
    Target::Snat(_) => "SNAT" Exact "Translates the source." [],
    Target::Synproxy(_) => "SYNPROXY" NeedsFacts "Takes the client's handshake; whether an ACK's cookie is right, no capture tells." ["SYNPROXY cookie valid for tcp *:* > 203.0.113.1:80"],
    Target::Tcpmss(_) => "TCPMSS" Exact "Sets or lowers the maximum segment size of TCP SYNs." [],
    Target::Tcpoptstrip(_) => "TCPOPTSTRIP" Exact "Blanks options of TCP." [],
    Target::Tee(_) => "TEE" Exact "Sends a copy to another host." [],
    Target::Tos(_) => "TOS" Exact "Sets the type of service or traffic class." [],
    Target::Tproxy(_) => "TPROXY" NeedsFacts "Hands the packet to a transparent local socket." ["TPROXY listener 3129", "TPROXY listener 127.0.0.1:3129", "TPROXY none"],
    Target::Ttl(_) => "TTL" Exact "Changes the time to live." [],
} else Target::Unsupported(t) => Some(&t.name), Target::Jump(_) | Target::Goto(_) => None
}

/// What neither the kernel nor iptables ships: extensions of other collections, and of kernels long gone.
const FOREIGN: &[Extension] = &[
    foreign_match("account"),
    foreign_match("asn"),
    foreign_match("condition"),
    foreign_match("dhcpmac"),
    foreign_match("dstlimit"),
    foreign_match("fuzzy"),
    foreign_match("geoip"),
    foreign_match("gradm"),
    foreign_match("iface"),
    foreign_match("ipp2p"),
    foreign_match("ipv4options"),
    foreign_match("l2tp"),
    foreign_match("layer7"),
    foreign_match("length2"),
    foreign_match("lscan"),
    foreign_match("ndpi"),
    foreign_match("pknock"),
    foreign_match("psd"),
    foreign_match("quota2"),
    foreign_match("timerange"),
    foreign_match("unclean"),
    foreign_match("webmon"),
    foreign_match("weburl"),
    foreign_target("ACCOUNT"),
    foreign_target("CHAOS"),
    foreign_target("CLUSTERIP"),
    foreign_target("DELUDE"),
    foreign_target("DHCPMAC"),
    foreign_target("DNETMAP"),
    foreign_target("ECHO"),
    foreign_target("FLOWOFFLOAD"),
    foreign_target("FULLCONENAT"),
    foreign_target("IMQ"),
    foreign_target("IPMARK"),
    foreign_target("IPV4OPTSSTRIP"),
    foreign_target("LOGMARK"),
    foreign_target("MIRROR"),
    foreign_target("NDPI"),
    foreign_target("NETFLOW"),
    foreign_target("PROTO"),
    foreign_target("RAWDNAT"),
    foreign_target("RAWSNAT"),
    foreign_target("ROUTE"),
    foreign_target("SAME"),
    foreign_target("STEAL"),
    foreign_target("SYSRQ"),
    foreign_target("TARPIT"),
    foreign_target("ULOG"),
];

const fn foreign_match(name: &'static str) -> Extension {
    Extension {
        kind: ExtensionKind::Match,
        name,
        status: ExtensionStatus::ParsedOnly,
        does: "Of another collection, or of an old kernel: its words are kept, its answer is unknown.",
        facts: &[],
    }
}

const fn foreign_target(name: &'static str) -> Extension {
    Extension {
        kind: ExtensionKind::Target,
        does: "Of another collection, or of an old kernel: its words are kept, what it does is unknown.",
        ..foreign_match(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netverdict_ruleset::matches::{Comment, Unsupported};

    #[test]
    fn every_name_is_listed_once() {
        let mut names: Vec<_> = extensions().map(|e| (e.kind, e.name)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn a_value_is_found_by_its_name() {
        let comment = Match::Comment(Comment {
            text: String::new(),
        });
        assert_eq!(of_match(&comment).map(|e| e.name), Some(comment.name()));
        let unsupported = Target::Unsupported(Unsupported {
            name: "TARPIT".to_owned(),
            args: Vec::new(),
        });
        let status = of_target(&unsupported).map(|e| e.status);
        assert_eq!(status, Some(ExtensionStatus::ParsedOnly));
        assert_eq!(of_target(&Target::Accept).map(|e| e.name), Some("ACCEPT"));
    }
}
