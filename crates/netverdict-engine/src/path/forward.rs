//! What ip_forward and ip6_forward refuse before FORWARD sees it, and the hop that they count.

use netverdict_host::Way;
use netverdict_net::{Family, Packet, PacketType};

use crate::Reason;
use crate::walk::Walk;

/// Every IPv6 link carries packets of this size.
const IPV6_MIN_MTU: u32 = 1280;

impl Walk<'_, '_> {
    /// What is for others is not forwarded, nor what has no hop left.
    pub(super) fn check_hops(&self) -> Result<(), Reason> {
        let packet = &self.skb.packet;
        if matches!(
            packet.link.packet_type,
            PacketType::Broadcast | PacketType::Multicast | PacketType::OtherHost
        ) {
            return Err(Reason::NotForUs);
        }
        if packet.ttl() <= 1 {
            return Err(Reason::TtlExceeded);
        }
        Ok(())
    }

    pub(super) fn check_size(&self, way: &Way) -> Result<(), Reason> {
        let too_big = self
            .limit(way)
            .is_some_and(|mtu| match self.program.family {
                Family::V4 => self.exceeds_v4(mtu),
                Family::V6 => self.exceeds_v6(mtu),
            });
        if too_big {
            return Err(Reason::PacketTooBig);
        }
        Ok(())
    }

    /// The way's MTU.
    pub(super) fn limit(&self, way: &Way) -> Option<u32> {
        let mtu = way.mtu?;
        Some(match self.program.family {
            Family::V4 => mtu,
            Family::V6 => mtu.max(IPV6_MIN_MTU),
        })
    }

    /// `ip_exceeds_mtu`: only what must not be fragmented is refused.
    fn exceeds_v4(&self, mtu: u32) -> bool {
        let packet = &self.skb.packet;
        let dont_fragment = packet.u16(6).is_ok_and(|word| word & 0x4000 != 0);
        if !dont_fragment {
            return false;
        }
        if self
            .skb
            .largest_fragment
            .is_some_and(|size| u32::from(size) > mtu)
        {
            return true;
        }
        !self.skb.ignore_df && packet.len() > mtu as usize && !self.is_super_frame(mtu)
    }

    /// `ip6_pkt_too_big`.
    fn exceeds_v6(&self, mtu: u32) -> bool {
        let packet = &self.skb.packet;
        if packet.len() <= mtu as usize {
            return false;
        }
        if self
            .skb
            .largest_fragment
            .is_some_and(|size| u32::from(size) > mtu)
        {
            return true;
        }
        !self.skb.ignore_df && !self.is_super_frame(mtu)
    }

    /// Several segments that the receiving device merged (GRO): longer than its own MTU, they cannot have come in one
    /// frame, and each is measured for itself when they are split again.
    fn is_super_frame(&self, mtu: u32) -> bool {
        let received = self.host.mtu(self.skb.in_device);
        self.config.merged
            && received.is_some_and(|received| {
                received <= mtu && self.skb.packet.len() > received as usize
            })
    }

    /// Whether a reassembled IPv6 datagram cannot be taken apart again: the kernel looks for where its fragments begin in
    /// the first one alone (`ip6_find_1stfragopt` in `skb_tail_pointer`'s bounds).
    pub(super) fn fails_to_split(&self) -> bool {
        const HOP_BY_HOP: u8 = 0;
        const ROUTING: u8 = 43;
        const DESTINATION: u8 = 60;
        let (Some(largest), Some(end)) = (self.skb.largest_fragment, self.skb.first_end) else {
            return false;
        };
        let (packet, end) = (&self.skb.packet, usize::from(end));
        if packet.len() <= usize::from(largest) {
            return false;
        }
        let Ok(&[mut next]) = packet.array::<1>(6) else {
            return false;
        };
        let (mut offset, mut routed) = (40, false);
        while matches!(next, HOP_BY_HOP | ROUTING | DESTINATION) {
            routed |= next == ROUTING;
            let Ok(&[after, len]) = packet.array::<2>(offset) else {
                return offset + 2 > end;
            };
            if next == DESTINATION && routed {
                return false;
            }
            if offset + 2 > end {
                return true;
            }
            offset += (usize::from(len) + 1) * 8;
            next = after;
        }
        offset > end
    }

    pub(super) fn decrement_ttl(&mut self) {
        lower_ttl(&mut self.skb.packet);
    }
}

/// One hop less; IPv4's checksum follows (`ip_decrease_ttl`).
pub(crate) fn lower_ttl(packet: &mut Packet<'_>) {
    match (packet.family(), packet.captured_mut()) {
        (Family::V4, [_, _, _, _, _, _, _, _, ttl, _, high, low, ..]) => {
            let sum = u32::from(u16::from_be_bytes([*high, *low])) + 0x0100;
            let sum = (sum + u32::from(sum >= 0xffff)) as u16;
            [*high, *low] = sum.to_be_bytes();
            *ttl = ttl.saturating_sub(1);
        }
        (Family::V6, [_, _, _, _, _, _, _, hop_limit, ..]) => {
            *hop_limit = hop_limit.saturating_sub(1);
        }
        _ => {}
    }
}
