//! Better ways: a packet that goes back out of the device it came by, though its sender could have reached the next hop
//! itself (`ip_rt_send_redirect`, `ndisc_send_redirect`).

use std::net::{IpAddr, Ipv6Addr};

use netverdict_host::{Flow, OutputRoute, Way};
use netverdict_net::{Device, Family, InterfaceName};

use crate::answer::{IcmpError, Redirect, redirect};
use crate::walk::Walk;
use crate::{Emission, EmissionKind, Fate};

impl Walk<'_, '_> {
    /// Tells the sender, before FORWARD sees the packet. IPv4's has one hop less by then (`before_hop` is false).
    pub(super) fn tell_of_better_way(&mut self, way: &Way, before_hop: bool) {
        let Device::Named(device) = self.skb.in_device else {
            return;
        };
        let turns = way.device == self.skb.in_device && device != InterfaceName::loopback();
        if !turns || !way.gateway_known {
            return;
        }
        match (self.program.family, before_hop) {
            (Family::V4, false) => self.tell_v4(device, way),
            (Family::V6, true) => self.tell_v6(device, way),
            _ => {}
        }
    }

    /// `__mkroute_input`, `ip_rt_send_redirect`.
    fn tell_v4(&mut self, device: InterfaceName, way: &Way) {
        let source = self.skb.packet.source();
        let settings = self.host.settings(self.skb.in_device);
        let back = Flow::output(self.skb.packet.destination(), source);
        if !settings.send_redirects || !self.is_neighbour(&back, device) {
            return;
        }
        // Peers are told at a pace of their own.
        self.recorder.give_up();
        let next_hop = way.gateway.unwrap_or(self.skb.packet.destination());
        if let IpAddr::V4(next_hop) = next_hop
            && self.state.peers.allow_redirect(source, self.now.jiffies)
        {
            let info = next_hop.to_bits();
            self.answer(
                "redirect",
                IcmpError {
                    kind: 5,
                    code: 1,
                    info,
                },
            );
        }
    }

    /// `ip6_forward`, `ndisc_send_redirect`. The destination's budget is asked before anything else, and spent.
    fn tell_v6(&mut self, device: InterfaceName, way: &Way) {
        let (source, destination) = (self.skb.packet.source(), self.skb.packet.destination());
        let next_hop = way.gateway.unwrap_or(destination);
        self.recorder.give_up();
        if !self
            .state
            .peers
            .allow_discovery(destination, self.now.jiffies)
        {
            return;
        }
        let (Some(own), IpAddr::V6(target), IpAddr::V6(to), IpAddr::V6(receiver)) =
            (self.link_local(device), next_hop, destination, source)
        else {
            return;
        };
        if target != to && !target.is_unicast_link_local() {
            return;
        }
        let back = Flow {
            oif: Some(device),
            ..Flow::output(own.into(), source)
        };
        if !self.is_neighbour(&back, device)
            || !self.state.peers.allow_discovery(source, self.now.jiffies)
        {
            return;
        }
        let interface = self.host.interface(&device);
        let packet = redirect(
            &self.skb.packet,
            Redirect {
                own,
                receiver,
                target,
                link: interface.and_then(|interface| interface.mac),
            },
        );
        self.emit(Emission {
            why: "ICMP redirect".to_owned(),
            kind: EmissionKind::Discovery,
            packet,
            mark: 0,
            toward: None,
            fate: Fate::Sent,
            left: None,
        });
    }

    /// Whether a flow reaches its destination on this device's link.
    fn is_neighbour(&self, flow: &Flow, device: InterfaceName) -> bool {
        matches!(
            self.host.route_output(flow),
            OutputRoute::Out { way: Way { device: Device::Named(out), gateway: None, .. }, .. } if out == device
        )
    }

    /// The device's own address on its link (`ipv6_get_lladdr`): of several the kernel takes the one it lists last.
    fn link_local(&self, device: InterfaceName) -> Option<Ipv6Addr> {
        let interface = self.host.interface(&device)?;
        interface
            .addresses
            .iter()
            .rev()
            .find_map(|address| match address.local {
                IpAddr::V6(local) if local.is_unicast_link_local() && !address.tentative => {
                    Some(local)
                }
                _ => None,
            })
    }
}
