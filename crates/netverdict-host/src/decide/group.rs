//! Which multicast groups a device takes packets for (`ip_check_mc_rcu`, `ipv6_chk_mcast_addr`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_net::{Device, Family};

use crate::{Host, keys};

impl Host {
    /// Whether packets to `group` that come in on `device` are delivered here: groups that the kernel joins by itself,
    /// and those that the host's facts list.
    pub fn is_joined(&self, device: Device, group: IpAddr) -> bool {
        let listed = self.facts().groups.iter().any(|g| {
            g.address == group && (g.device.is_none() || g.device == device.name().copied())
        });
        listed
            || match group {
                IpAddr::V4(group) => group == Ipv4Addr::new(224, 0, 0, 1),
                IpAddr::V6(group) => self.joins_v6(device, group),
            }
    }

    fn joins_v6(&self, device: Device, group: Ipv6Addr) -> bool {
        let segments = group.segments();
        match segments {
            [0xff01 | 0xff02, 0, 0, 0, 0, 0, 0, 1] => true,
            [0xff01 | 0xff02 | 0xff05, 0, 0, 0, 0, 0, 0, 2] => {
                self.sysctls().is_on(keys::IPV6_FORWARDING)
            }
            [0xff02, 0, 0, 0, 0, 1, high, _] if high >> 8 == 0xff => {
                self.solicits(device, group.to_bits() & 0xff_ffff)
            }
            _ => false,
        }
    }

    /// Whether some address of the device ends in these 24 bits (RFC 4291 solicited-node groups).
    fn solicits(&self, device: Device, low: u128) -> bool {
        let forwarding = self.sysctls().is_on(keys::IPV6_FORWARDING);
        self.interfaces()
            .iter()
            .filter(|i| device.name().is_none_or(|n| *n == i.name))
            .flat_map(|i| i.addresses_of(Family::V6))
            .any(|a| match (a.local, a.prefix().addr()) {
                (IpAddr::V6(own), IpAddr::V6(prefix)) => {
                    own.to_bits() & 0xff_ffff == low
                        || forwarding && prefix.to_bits() & 0xff_ffff == low
                }
                _ => false,
            })
    }
}
