//! UDP-Lite (`nf_conntrack_udplite_packet`).

use netverdict_net::Protocol;

use super::checksum;
use super::layer4::Fault;
use super::track::{Cx, Handled};
use super::{Entry, Status};

pub(super) fn packet(entry: &mut Entry, cx: Cx<'_, '_>) -> Handled {
    if let Err(fault) = check(&cx) {
        return fault.into();
    }
    let timeouts = cx.settings.udp;
    if entry.status.contains(Status::SEEN_REPLY) {
        cx.refresh(entry, timeouts.replied);
        if !entry.status.contains(Status::NAT_CLASH) {
            entry.status.insert(Status::ASSURED);
        }
    } else {
        cx.refresh(entry, timeouts.unreplied);
    }
    Handled::Accept(None)
}

fn check(cx: &Cx<'_, '_>) -> Result<(), Fault> {
    let header = cx
        .packet
        .array::<8>(cx.at.offset)
        .map_err(Fault::reading("UDP-Lite header beyond the packet"))?;
    let len = cx.packet.len() - cx.at.offset;
    let coverage = match usize::from(u16::from_be_bytes([header[4], header[5]])) {
        0 => len,
        coverage if coverage < 8 || coverage > len => {
            return Err(Fault::Invalid("UDP-Lite checksum coverage does not fit"));
        }
        coverage => coverage,
    };
    if [header[6], header[7]] == [0, 0] {
        return Err(Fault::Invalid("UDP-Lite checksum missing"));
    }
    if !cx.verify {
        return Ok(());
    }
    // The kernel sums the pseudo-header with UDP's number, so a right UDP-Lite checksum is a wrong one to it.
    checksum::verify(cx.packet, cx.at.offset, Protocol::UDP, Some(coverage))
}
