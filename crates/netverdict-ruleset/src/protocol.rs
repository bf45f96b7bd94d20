//! Protocol names as iptables reads and prints them.
//!
//! iptables asks `/etc/protocols` first and falls back to a short list of its own; this is the file that distributions
//! ship, so dumps print `ipv6-icmp` where rules may have said `icmpv6`.

use std::fmt;

use netverdict_net::Protocol;

/// Number, name that is printed, other names that are read.
const NAMES: &[(u8, &str, &[&str])] = &[
    (0, "ip", &["IP"]),
    (0, "hopopt", &["HOPOPT"]),
    (1, "icmp", &["ICMP"]),
    (2, "igmp", &["IGMP"]),
    (3, "ggp", &["GGP"]),
    (4, "ipencap", &["IP-ENCAP"]),
    (5, "st", &["ST"]),
    (6, "tcp", &["TCP"]),
    (8, "egp", &["EGP"]),
    (9, "igp", &["IGP"]),
    (12, "pup", &["PUP"]),
    (17, "udp", &["UDP"]),
    (20, "hmp", &["HMP"]),
    (22, "xns-idp", &["XNS-IDP"]),
    (27, "rdp", &["RDP"]),
    (29, "iso-tp4", &["ISO-TP4"]),
    (33, "dccp", &["DCCP"]),
    (36, "xtp", &["XTP"]),
    (37, "ddp", &["DDP"]),
    (38, "idpr-cmtp", &["IDPR-CMTP"]),
    (41, "ipv6", &["IPv6"]),
    (43, "ipv6-route", &["IPv6-Route"]),
    (44, "ipv6-frag", &["IPv6-Frag"]),
    (45, "idrp", &["IDRP"]),
    (46, "rsvp", &["RSVP"]),
    (47, "gre", &["GRE"]),
    (50, "esp", &["IPSEC-ESP"]),
    (51, "ah", &["IPSEC-AH"]),
    (57, "skip", &["SKIP"]),
    (58, "ipv6-icmp", &["IPv6-ICMP"]),
    (59, "ipv6-nonxt", &["IPv6-NoNxt"]),
    (60, "ipv6-opts", &["IPv6-Opts"]),
    (73, "rspf", &["RSPF", "CPHB"]),
    (81, "vmtp", &["VMTP"]),
    (88, "eigrp", &["EIGRP"]),
    (89, "ospf", &["OSPFIGP"]),
    (93, "ax.25", &["AX.25"]),
    (94, "ipip", &["IPIP"]),
    (97, "etherip", &["ETHERIP"]),
    (98, "encap", &["ENCAP"]),
    (103, "pim", &["PIM"]),
    (108, "ipcomp", &["IPCOMP"]),
    (112, "vrrp", &["VRRP"]),
    (115, "l2tp", &["L2TP"]),
    (124, "isis", &["ISIS"]),
    (132, "sctp", &["SCTP"]),
    (133, "fc", &["FC"]),
    (135, "mobility-header", &["Mobility-Header"]),
    (136, "udplite", &["UDPLite"]),
    (137, "mpls-in-ip", &["MPLS-in-IP"]),
    (138, "manet", &[]),
    (139, "hip", &["HIP"]),
    (140, "shim6", &["Shim6"]),
    (141, "wesp", &["WESP"]),
    (142, "rohc", &["ROHC"]),
    (143, "ethernet", &["Ethernet"]),
];

/// Names that only iptables itself knows.
const OWN_NAMES: &[(u8, &str)] = &[(58, "icmpv6"), (135, "ipv6-mh"), (135, "mh"), (0, "all")];

/// Prints a protocol as iptables-save does: by name where there is one.
#[derive(Debug, Clone, Copy)]
pub struct Name(Protocol);

/// The printable name of a protocol.
pub const fn name(protocol: Protocol) -> Name {
    Name(protocol)
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Protocol(number) = self.0;
        match NAMES.iter().find(|(n, ..)| *n == number) {
            Some((_, name, _)) => f.write_str(name),
            None => write!(f, "{number}"),
        }
    }
}

/// The protocol a name stands for; case counts, as in `getprotobyname`.
pub fn from_name(name: &str) -> Option<Protocol> {
    let listed = NAMES
        .iter()
        .find(|(_, n, aliases)| *n == name || aliases.contains(&name))
        .map(|(number, ..)| *number);
    let own = || {
        OWN_NAMES
            .iter()
            .find(|(_, n)| *n == name)
            .map(|(number, _)| *number)
    };
    listed.or_else(own).map(Protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_protocols_file() {
        assert_eq!(name(Protocol::ICMPV6).to_string(), "ipv6-icmp");
        assert_eq!(name(Protocol::MH).to_string(), "mobility-header");
        assert_eq!(name(Protocol(200)).to_string(), "200");
        assert_eq!(from_name("icmpv6"), Some(Protocol::ICMPV6));
        assert_eq!(from_name("TCP"), Some(Protocol::TCP));
        assert_eq!(from_name("Tcp"), None);
    }
}
