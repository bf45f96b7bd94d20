//! Helpers: trackers of protocols that announce further connections in their payload, and rewrite it where the
//! connection is translated. A connection has one only if a `-j CT --helper` rule gave it, or the one that announced it.

mod amanda;
mod broadcast;
mod ftp;
mod h323;
mod irc;
mod pptp;
mod sane;
mod sip;
mod snmp;
mod talk;
mod text;
mod tftp;

use netverdict_host::Host;
use netverdict_net::{Beyond, Family, Protocol};

use super::expect::Policy;
use super::{Conntrack, Direction, Status, Tuple};
use crate::context::Now;
use crate::state::Random;
use crate::{CtId, CtInfo, Skb};

use talk::Talk;

/// A helper that is modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Helper {
    Ftp,
    Tftp,
    Irc,
    Sane,
    Amanda,
    NetbiosNs,
    Snmp,
    SnmpTrap,
    Sip,
    Pptp,
    Ras,
    Q931,
    H245,
}

/// Whether a helper of this name is modelled: what others would expect, rewrite or drop is not known.
pub fn models_helper(name: &str) -> bool {
    Helper::from_name(name).is_some()
}

/// What a helper remembers of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HelperState {
    Stateless,
    Ftp(ftp::Lines),
    Sip(sip::Memory),
    Pptp(pptp::Memory),
    H323(h323::Memory),
    /// Whether the next answer is to a request for a data connection.
    Sane {
        requested: bool,
    },
}

/// What a helper says of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Help {
    Accept,
    Drop,
    /// What the kernel would have done is not known, and why.
    Unknown(&'static str),
}

/// What helpers are given beside the packet and the connections.
#[derive(Debug)]
pub(crate) struct HelperCx<'c> {
    pub(crate) now: Now,
    pub(crate) host: &'c Host,
    pub(crate) random: &'c mut Random,
    /// What was done, for those who look.
    pub(crate) notes: Option<Vec<String>>,
    /// The helper of which it is not known what it would have done, and why.
    pub(crate) unknown: Option<(Helper, &'static str)>,
}

impl Helper {
    const ALL: [Self; 13] = [
        Self::Ftp,
        Self::Tftp,
        Self::Irc,
        Self::Sane,
        Self::Amanda,
        Self::NetbiosNs,
        Self::Snmp,
        Self::SnmpTrap,
        Self::Sip,
        Self::Pptp,
        Self::Ras,
        Self::Q931,
        Self::H245,
    ];

    /// The helper of a kernel name; `None` for those not modelled.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|helper| helper.name() == name)
    }

    /// The helper of a connection's answers, where the kernel looks for one by itself (`nf_conntrack_helper`).
    pub(crate) fn of_port(reply: &Tuple) -> Option<Self> {
        Self::ALL.into_iter().find(|helper| {
            let (port, protocols, families) = helper.serves();
            reply.source_port == port
                && protocols.contains(&reply.protocol)
                && families.contains(&reply.family)
        })
    }

    /// The port, protocols and families that it is registered for.
    const fn serves(self) -> (u16, &'static [Protocol], &'static [Family]) {
        const TCP: &[Protocol] = &[Protocol::TCP];
        const UDP: &[Protocol] = &[Protocol::UDP];
        const BOTH: &[Protocol] = &[Protocol::TCP, Protocol::UDP];
        const V4: &[Family] = &[Family::V4];
        match self {
            Self::Ftp => (21, TCP, &Family::ALL),
            Self::Tftp => (69, UDP, &Family::ALL),
            Self::Irc => (6667, TCP, V4),
            Self::Sane => (6566, TCP, &Family::ALL),
            Self::Amanda => (10_080, UDP, &Family::ALL),
            Self::NetbiosNs => (137, UDP, V4),
            Self::Snmp => (161, UDP, V4),
            Self::SnmpTrap => (162, UDP, V4),
            Self::Sip => (5060, BOTH, &Family::ALL),
            Self::Pptp => (1723, TCP, V4),
            Self::Ras => (1719, UDP, &Family::ALL),
            Self::Q931 => (1720, TCP, &Family::ALL),
            // Only ever expected.
            Self::H245 => (0, UDP, &[]),
        }
    }

    /// The kernel's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
            Self::Tftp => "tftp",
            Self::Irc => "irc",
            Self::Sane => "sane",
            Self::Amanda => "amanda",
            Self::NetbiosNs => "netbios-ns",
            Self::Snmp => "snmp",
            Self::SnmpTrap => "snmp_trap",
            Self::Sip => "sip",
            Self::Pptp => "pptp",
            Self::Ras => "RAS",
            Self::Q931 => "Q.931",
            Self::H245 => "H.245",
        }
    }

    /// How many expectations of a class there may be.
    pub(super) const fn policy(self, class: u8) -> Policy {
        let (max, seconds) = match self {
            Self::Ftp | Self::Tftp | Self::Sane => (1, 300),
            Self::Irc => (8, 300),
            Self::Amanda => (4, 180),
            Self::NetbiosNs => (1, 3),
            Self::Snmp => (1, 30),
            Self::SnmpTrap => (0, 180),
            Self::Sip => return sip::policy(class),
            Self::Pptp => (2, 300),
            Self::Ras => (32, 240),
            Self::Q931 => (20, 240),
            Self::H245 => (18, 240),
        };
        Policy { max, seconds }
    }

    /// What it remembers of a new connection.
    pub(super) fn state(self) -> HelperState {
        match self {
            Self::Ftp => HelperState::Ftp(ftp::Lines::default()),
            Self::Sane => HelperState::Sane { requested: false },
            Self::Sip => HelperState::Sip(sip::Memory::default()),
            Self::Pptp => HelperState::Pptp(pptp::Memory::default()),
            Self::Ras | Self::Q931 | Self::H245 => HelperState::H323(h323::Memory::default()),
            _ => HelperState::Stateless,
        }
    }

    /// What it remembers of a connection that was there before the first packet: FTP takes the next segment of each
    /// side for the begin of a line, as the kernel does with connections put in by hand.
    pub(super) fn resumed(self) -> HelperState {
        match self {
            Self::Ftp => HelperState::Ftp(ftp::Lines::resumed()),
            _ => self.state(),
        }
    }

    fn help(self, talk: &mut Talk<'_, '_, '_>, state: &mut HelperState) -> Help {
        match (self, state) {
            (Self::Ftp, HelperState::Ftp(lines)) => ftp::help(talk, lines),
            (Self::Sane, HelperState::Sane { requested }) => sane::help(talk, requested),
            (Self::Sip, HelperState::Sip(memory)) => sip::help(talk, memory),
            (Self::Pptp, HelperState::Pptp(memory)) => pptp::help(talk, memory),
            (Self::Ras, HelperState::H323(memory)) => h323::registration(talk, memory),
            (Self::Q931, HelperState::H323(memory)) => h323::signals(talk, memory),
            (Self::H245, HelperState::H323(memory)) => h323::control(talk, memory),
            (Self::Tftp, _) => tftp::help(talk),
            (Self::Irc, _) => irc::help(talk),
            (Self::Amanda, _) => amanda::help(talk),
            (Self::NetbiosNs, _) => broadcast::help(talk, broadcast::NETBIOS_NS),
            (Self::Snmp, _) => {
                broadcast::help(talk, broadcast::SNMP);
                snmp::translate(talk)
            }
            (Self::SnmpTrap, _) => snmp::translate(talk),
            _ => Help::Accept,
        }
    }
}

impl Conntrack {
    /// Gives a new connection the helper that its answers' port calls for, where the kernel does so by itself
    /// (`__nf_ct_try_assign_helper`): anew when NAT changed the answers.
    pub(crate) fn assign_helper(&mut self, id: CtId) {
        if !self.settings.automatic_helpers {
            return;
        }
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        if entry.status.intersects(Status::HELPER | Status::EXPECTED) {
            return;
        }
        let found = Helper::of_port(entry.reply());
        if found.is_some() || entry.helper().is_some() {
            entry.extra_mut().helper = found.map(|helper| (helper, helper.state()));
        }
    }

    /// Shows a packet to its connection's helper and shifts its sequence numbers (`nf_confirm`, before the connection
    /// enters the table).
    pub(super) fn help(
        &mut self,
        skb: &mut Skb<'_>,
        id: CtId,
        info: CtInfo,
        cx: &mut HelperCx<'_>,
    ) -> Help {
        let Some(entry) = self.table.get(id) else {
            return Help::Accept;
        };
        let helper = entry.extra().and_then(|extra| extra.helper);
        let shifted = entry.status.contains(Status::SEQ_ADJUST) && !skb.came_by_loopback();
        // Helpers read no ICMP errors on their way back.
        if helper.is_none() && !shifted || info == CtInfo::RelatedReply {
            return Help::Accept;
        }
        let Ok(at) = super::layer4::find(&skb.packet, skb.packet.family(), 0) else {
            return Help::Accept;
        };
        let mut said = Help::Accept;
        let mut rewritten = false;
        if let Some((helper, before)) = helper {
            let mut state = before;
            let Some(mut talk) = Talk::new(self, skb, id, info, at.offset, cx) else {
                return Help::Accept;
            };
            said = helper.help(&mut talk, &mut state);
            rewritten = talk.is_rewritten();
            if state != before
                && let Some(entry) = self.table.get_mut(id)
            {
                entry.extra_mut().helper = Some((helper, state));
            }
        }
        if said == Help::Drop {
            return said;
        }
        let direction = direction(info);
        if shifted
            && let Some(entry) = self.table.get(id)
            && super::seqadj::adjust(&mut skb.packet, at.offset, entry, direction).is_none()
        {
            return Help::Drop;
        }
        if rewritten && let Some(entry) = self.table.get(id) {
            talk::seal(&mut skb.packet, at.offset, entry.protocol());
        }
        said
    }
}

const fn direction(info: CtInfo) -> Direction {
    if info.is_reply() {
        Direction::Reply
    } else {
        Direction::Original
    }
}

/// What a failed read of the payload means.
const fn unread(beyond: Beyond) -> Help {
    match beyond {
        Beyond::PacketEnd => Help::Accept,
        Beyond::Captured => Help::Unknown("the payload is not captured"),
    }
}

/// Bytes of a layer-4 header up to the payload of protocols whose header has a fixed length.
const fn fixed_header(protocol: Protocol) -> Option<usize> {
    match protocol {
        Protocol::TCP => None,
        _ => Some(8),
    }
}

#[cfg(test)]
mod tests;
