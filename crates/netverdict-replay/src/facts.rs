//! What placing and surveying need to know of a frame.

use netverdict_bundle::{FrameFacts, SurveyPacket};
use netverdict_capture::{Frame, Tag};
use netverdict_net::{LinkKind, Packet};

/// For [`netverdict_bundle::place`].
pub(crate) fn of_frame(frame: &Frame<'_>, packet: &Packet<'_>) -> FrameFacts {
    FrameFacts {
        interface: frame.interface,
        ifindex: frame.ifindex,
        direction_hint: frame.direction_hint,
        link: frame.link,
        vlan: frame.tags.iter().find_map(|t| Tag::vlan_id(*t)),
        source: packet.source(),
        destination: packet.destination(),
    }
}

/// For [`netverdict_bundle::Survey`].
pub(crate) fn of_survey(frame: &Frame<'_>, packet: &Packet<'_>) -> SurveyPacket {
    let macs = frame.link.source.zip(frame.link.destination);
    SurveyPacket {
        interface: frame.interface,
        direction: frame.direction_hint,
        macs: macs.filter(|_| frame.link.kind == LinkKind::Ethernet),
        source: packet.source(),
        destination: packet.destination(),
        ttl: packet.ttl(),
    }
}
