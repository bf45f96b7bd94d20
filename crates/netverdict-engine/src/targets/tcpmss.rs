//! TCPMSS (xt_TCPMSS.c).

use netverdict_host::{Flow, OutputRoute};
use netverdict_net::header::{ipv6, network_header_len};
use netverdict_net::{Beyond, Family};
use netverdict_ruleset::targets::Tcpmss;

use crate::Reason;
use crate::context::{Action, Note, TargetCx};
use crate::rewrite;

const MSS: u8 = 2;
const MSS_LEN: usize = 4;
/// What a peer assumes that was told nothing (RFC 1122, RFC 8200).
const DEFAULT_V4: u16 = 536;
const DEFAULT_V6: u16 = 1220;

/// Where TCP begins; `None` where the extension headers are broken.
pub(super) fn tcp_offset(cx: &TargetCx<'_, '_>) -> Option<usize> {
    match cx.param.family {
        Family::V4 => Some(network_header_len(&cx.skb.packet)),
        Family::V6 => ipv6::skip(&cx.skb.packet).ok().map(|found| found.offset),
    }
}

/// The length of the option at `at`: at least 1, so that a walk ends.
pub(super) fn option_len(header: &[u8], at: usize) -> usize {
    let kind = header.get(at).copied().unwrap_or(0);
    match header.get(at + 1).copied().unwrap_or(0) {
        _ if kind <= 1 => 1,
        0 => 1,
        len => len.into(),
    }
}

pub(super) fn apply(target: Tcpmss, cx: &mut TargetCx<'_, '_>) -> Action {
    let drop = Action::Drop(Some(Reason::TargetFailed));
    let Some(at) = tcp_offset(cx) else {
        return drop;
    };
    if cx.param.fragment_offset != 0 {
        return Action::Continue;
    }
    let len = cx.skb.packet.len().saturating_sub(at);
    let header_len = match cx.skb.packet.read(at, 20) {
        Ok(header) => usize::from(header.get(12).copied().unwrap_or(0) >> 4) * 4,
        Err(Beyond::PacketEnd) => return drop,
        Err(Beyond::Captured) => return Action::Continue,
    };
    if len < header_len || header_len < 20 {
        return drop;
    }
    let mss = match wanted(target, cx) {
        Wanted::Mss(mss) => mss,
        Wanted::Drop => return drop,
        Wanted::Unknown => {
            cx.notes
                .push(Note::Lacks("TCPMSS: the route's MTU is not known"));
            return Action::Continue;
        }
    };
    let Ok(header) = cx.skb.packet.read(at, header_len).map(<[u8]>::to_vec) else {
        return Action::Continue;
    };
    match find_mss(&header) {
        Some(i) => lower(at, i, &header, mss, cx),
        // An option can only be added where no data would have to move, and where the header can grow.
        None if len == header_len && header_len < 60 => insert(at, &header, mss, cx),
        None => {}
    }
    Action::Continue
}

enum Wanted {
    Mss(u16),
    Unknown,
    Drop,
}

/// The new maximum: the option's, or what the smaller of both directions' routes carries.
fn wanted(target: Tcpmss, cx: &TargetCx<'_, '_>) -> Wanted {
    let Tcpmss::Set(mss) = target else {
        return clamp(cx);
    };
    Wanted::Mss(mss)
}

fn clamp(cx: &TargetCx<'_, '_>) -> Wanted {
    let source = cx.skb.packet.source();
    let unspecified = match cx.param.family {
        Family::V4 => std::net::Ipv4Addr::UNSPECIFIED.into(),
        Family::V6 => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let back = match cx.host.route_output(&Flow::output(unspecified, source)) {
        OutputRoute::Out { way, .. } => way.mtu,
        OutputRoute::Drop(_) => Some(u32::MAX),
        OutputRoute::Unknown(_) => None,
    };
    let (Some(out), Some(back)) = (cx.skb.way.and_then(|way| way.mtu), back) else {
        return Wanted::Unknown;
    };
    let headers = match cx.param.family {
        Family::V4 => 40,
        Family::V6 => 60,
    };
    match out.min(back).checked_sub(headers) {
        None | Some(0) => Wanted::Drop,
        Some(mss) => Wanted::Mss(mss as u16),
    }
}

fn find_mss(header: &[u8]) -> Option<usize> {
    let mut i = 20;
    while i + MSS_LEN <= header.len() {
        if header.get(i..i + 2) == Some(&[MSS, MSS_LEN as u8]) {
            return Some(i);
        }
        i += option_len(header, i);
    }
    None
}

/// Never raises.
fn lower(at: usize, i: usize, header: &[u8], mss: u16, cx: &mut TargetCx<'_, '_>) {
    let old = match header.get(i + 2..i + 4) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => return,
    };
    if old <= mss {
        return;
    }
    rewrite::put(&mut cx.skb.packet, at + i + 2, mss);
    rewrite::update_sum(
        &mut cx.skb.packet,
        at + 16,
        &old.to_be_bytes(),
        &mss.to_be_bytes(),
    );
    cx.changed("mss", old, mss, u16::to_string);
}

/// Puts the option first, before all others.
fn insert(at: usize, header: &[u8], mss: u16, cx: &mut TargetCx<'_, '_>) {
    let family = cx.param.family;
    let packet = &mut cx.skb.packet;
    if !packet.is_whole() {
        return;
    }
    let mss = mss.min(match family {
        Family::V4 => DEFAULT_V4,
        Family::V6 => DEFAULT_V6,
    });
    let [high, low] = mss.to_be_bytes();
    let option = [MSS, MSS_LEN as u8, high, low];
    let mut bytes = packet.captured().to_vec();
    let place = at + 20;
    bytes.splice(place..place, option);
    packet.replace(bytes);
    let len = header.len() as u16;
    rewrite::update_sum(
        packet,
        at + 16,
        &len.to_be_bytes(),
        &(len + 4).to_be_bytes(),
    );
    rewrite::update_sum(packet, at + 16, &[0; 4], &option);
    let (offset, flags) = (
        header.get(12).copied().unwrap_or(0),
        header.get(13).copied().unwrap_or(0),
    );
    rewrite::put_byte(packet, at + 12, offset.wrapping_add(0x10));
    rewrite::update_sum(
        packet,
        at + 16,
        &[offset, flags],
        &[offset.wrapping_add(0x10), flags],
    );
    grow(family, packet);
    cx.changed("mss", None, Some(mss), |m| {
        m.map_or("none".to_owned(), |m| m.to_string())
    });
}

fn grow(family: Family, packet: &mut netverdict_net::Packet<'_>) {
    let field = match family {
        Family::V4 => 2,
        Family::V6 => 4,
    };
    let old = packet.u16(field).unwrap_or(0);
    let new = old.wrapping_add(MSS_LEN as u16);
    rewrite::put(packet, field, new);
    if family == Family::V4 {
        rewrite::update_sum(packet, 10, &old.to_be_bytes(), &new.to_be_bytes());
    }
}
