//! The tests that every rule has built in (`ip_packet_match`, `ip6_packet_match`).

use std::net::IpAddr;

use netverdict_net::header::ipv6::{self, WalkError};
use netverdict_net::{Device, Family, InterfacePattern, Packet, Protocol};
use netverdict_ruleset::{Backend, FragmentTest, Invertible};

use super::{Stand, Tried};
use crate::compile::CompiledRule;
use crate::context::Param;
use crate::observe::{Answer, Event};
use crate::walk::Walk;

/// The addresses as rules see them: read at the table's start, and again after each target extension.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub(super) source: u128,
    pub(super) destination: u128,
}

impl View {
    pub(super) fn of(packet: &Packet<'_>) -> Self {
        Self {
            source: number(packet.source()),
            destination: number(packet.destination()),
        }
    }
}

const fn number(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(a) => a.to_bits() as u128,
        IpAddr::V6(a) => a.to_bits(),
    }
}

/// A basic test's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Fail(&'static str),
    Hotdrop,
    /// The device is not known.
    Unknown(&'static str),
}

impl Walk<'_, '_> {
    /// Source, destination, in- and out-device, protocol, fragment: in this order.
    pub(super) fn basics(&mut self, rule: &CompiledRule, stand: &mut Stand<'_>) -> Tried {
        let basics = &rule.basics;
        if basics
            .source
            .is_some_and(|test| !test.passes(stand.view.source))
        {
            return self.left(rule, "source");
        }
        if basics
            .destination
            .is_some_and(|test| !test.passes(stand.view.destination))
        {
            return self.left(rule, "destination");
        }
        let devices = [
            (basics.in_interface, self.skb.in_device, "in-interface"),
            (basics.out_interface, self.skb.out_device, "out-interface"),
        ];
        for (test, device, what) in devices {
            match device_test(test, device, what) {
                Verdict::Unknown(what) if !self.ask_unknown(rule, what) => return Tried::Left,
                Verdict::Fail(what) => return self.left(rule, what),
                _ => {}
            }
        }
        match self.protocol_test(rule, stand) {
            Verdict::Pass => {}
            Verdict::Fail(what) => return self.left(rule, what),
            Verdict::Hotdrop => {
                self.show_basics(rule, Answer::Hotdrop, "protocol");
                return Tried::Hotdrop;
            }
            Verdict::Unknown(what) => {
                if !self.ask_unknown(rule, what) {
                    return Tried::Left;
                }
            }
        }
        if !fragment_test(basics.fragment, stand.param.fragment_offset) {
            return self.left(rule, "fragment");
        }
        self.show_basics(rule, Answer::True, "");
        Tried::Matched(false)
    }

    fn left(&mut self, rule: &CompiledRule, failed: &'static str) -> Tried {
        self.show_basics(rule, Answer::False, failed);
        Tried::Left
    }

    fn ask_unknown(&mut self, rule: &CompiledRule, what: &'static str) -> bool {
        self.show_basics(rule, Answer::Unknown, what);
        let unknown = self.unknown(Some(rule.rule), None, format!("{what}: not known"));
        self.oracle.ask_match(self.config, unknown)
    }

    fn show_basics(&mut self, rule: &CompiledRule, answer: Answer, failed: &'static str) {
        self.tape.show(|| Event::Basics {
            rule: rule.rule,
            answer,
            failed,
        });
    }

    fn protocol_test(&self, rule: &CompiledRule, stand: &mut Stand<'_>) -> Verdict {
        match self.program.family {
            Family::V4 => protocol_v4(rule.basics.protocol, stand.param.protocol),
            Family::V6 => self.protocol_v6(rule.basics.protocol, stand),
        }
    }

    /// The last header is looked for once for each rule with `-p`. A rule without one resets the offset, but leaves the
    /// fragment offset as it was.
    fn protocol_v6(&self, test: Option<Invertible<Protocol>>, stand: &mut Stand<'_>) -> Verdict {
        if self.program.backend == Backend::Nft {
            // `meta l4proto` of a broken header chain ends the rule, whatever it compares with.
            return match (test, stand.param.protocol) {
                (Some(_), None) if !self.skb.packet.is_whole() => Verdict::Unknown("protocol"),
                (Some(_), None) => Verdict::Fail("protocol"),
                _ => protocol_v4(test, stand.param.protocol),
            };
        }
        stand.param.transport_offset = 0;
        stand.param.protocol = None;
        let Some(test) = test else {
            return Verdict::Pass;
        };
        let found = match ipv6::find(&self.skb.packet, None) {
            Ok(found) => found,
            Err(WalkError::Beyond(netverdict_net::Beyond::Captured)) => {
                return Verdict::Unknown("protocol");
            }
            Err(_) => return Verdict::Hotdrop,
        };
        stand.param.protocol = Some(found.protocol);
        stand.param.fragment_offset = found.fragment_offset * 8;
        // Of a later fragment the kernel leaves the offset unset.
        if found.fragment_offset == 0 {
            stand.param.transport_offset = found.offset;
        }
        if test.test(|wanted| *wanted == found.protocol) {
            Verdict::Pass
        } else {
            Verdict::Fail("protocol")
        }
    }
}

/// nf_tables walks the headers once for all rules (`__nft_set_pktinfo_ipv6`), with or without `-p`. An authentication
/// header is a protocol to it (`IP6_FH_F_AUTH`).
pub(super) fn nft_param(packet: &Packet<'_>, mut param: Param) -> Param {
    let authenticated = ipv6::find(packet, Some(Protocol::AH));
    if let Ok(found) = authenticated.or_else(|_| ipv6::find(packet, None)) {
        param.protocol = Some(found.protocol);
        param.fragment_offset = found.fragment_offset * 8;
        param.transport_offset = if found.fragment_offset == 0 {
            found.offset
        } else {
            0
        };
    }
    param
}

fn device_test(
    test: Option<Invertible<InterfacePattern>>,
    device: Device,
    what: &'static str,
) -> Verdict {
    let Some(test) = test else {
        return Verdict::Pass;
    };
    let name = match &device {
        Device::Named(name) => name.as_str(),
        Device::Absent => "",
        // Every name matches `+`.
        Device::Unknown if test.value.is_any() => "",
        Device::Unknown => return Verdict::Unknown(what),
    };
    if test.test(|pattern| pattern.matches(name)) {
        Verdict::Pass
    } else {
        Verdict::Fail(what)
    }
}

fn protocol_v4(test: Option<Invertible<Protocol>>, protocol: Option<Protocol>) -> Verdict {
    if test.is_none_or(|test| test.test(|wanted| Some(*wanted) == protocol)) {
        Verdict::Pass
    } else {
        Verdict::Fail("protocol")
    }
}

const fn fragment_test(test: Option<FragmentTest>, offset: u16) -> bool {
    match test {
        None => true,
        Some(FragmentTest::Later) => offset != 0,
        Some(FragmentTest::HeadOrWhole) => offset == 0,
    }
}
