//! What H.323 terminals and gatekeepers say: calls and the channels of their media, registrations. Optional components
//! come and go, so that readers meet every way to what they look for.

use std::net::IpAddr;

use super::End;
use super::payload::{PORTS, host};
use super::per::Per;
use crate::random::Rng;

const VERSION: [u8; 7] = [6, 0, 8, 0x91, 0x4a, 0, 4];

/// A speaker.
struct Voice<'v> {
    rng: &'v mut Rng,
    end: &'v End,
}

/// Call signalling: one or two messages, each behind its header, which may be alone in its segment.
pub(super) fn call(rng: &mut Rng, end: &End) -> Vec<u8> {
    let mut voice = Voice { rng, end };
    let mut bytes = voice.framed_call();
    match voice.rng.below(12) {
        0 => bytes.truncate(4),
        1 => drop(bytes.drain(..4)),
        2 | 3 => {
            let next = voice.framed_call();
            bytes.extend(next);
        }
        _ => {}
    }
    bytes
}

/// A RAS message.
pub(super) fn registration(rng: &mut Rng, side: usize, end: &End) -> Vec<u8> {
    let mut voice = Voice { rng, end };
    let index = match (side, voice.rng.below(10)) {
        (0, 0) => 0,
        (0, 1..5) => 3,
        (0, 5) => 6,
        (0, 6 | 7) => 9,
        (0, 8) => 22,
        (_, 0) => 1,
        (_, 1..4) => 4,
        (_, 4) => 6,
        (_, 5 | 6) => 10,
        (_, 7) => 19,
        (0, _) => 18,
        _ => 2,
    };
    let mut per = Per::default();
    per.choose(index, 5);
    voice.ras(&mut per, index);
    per.into_bytes()
}

impl Voice<'_> {
    fn maybe(&mut self) -> bool {
        self.rng.chance(50)
    }

    fn seldom(&mut self) -> bool {
        self.rng.chance(15)
    }

    fn port(&mut self) -> u16 {
        *self.rng.pick(&PORTS)
    }

    fn host(&mut self) -> IpAddr {
        host(self.rng, self.end)
    }

    fn address(&mut self, per: &mut Per) {
        let (host, port) = (self.host(), self.port());
        match self.rng.below(25) {
            0 => {
                // A route through others.
                per.choose(1, 3);
                per.flag(false);
                per.octets(&[10, 0, 0, 2, 4, 1, 1, 10, 0, 0, 9]);
                per.choose(1, 1);
            }
            1 => {
                per.choose(5, 3);
                per.bits(2, 5);
                per.octets(&[1, 2, 3]);
            }
            2 => per.choose_added(0, &Per::default()),
            _ => per.address(host, port),
        }
    }

    fn addresses(&mut self, per: &mut Per, first: (IpAddr, u16)) {
        let count = self.rng.below(3) as usize;
        let at = self.rng.below(2) as usize;
        per.length(count + 1);
        for number in 0..=count {
            if number == at.min(count) {
                per.address(first.0, first.1);
            } else if first.0.is_ipv4() && self.maybe() {
                per.address([127, 0, 0, 1].into(), first.1);
            } else {
                self.address(per);
            }
        }
    }

    fn own_addresses(&mut self, per: &mut Per, port: u16) {
        let host = self.host();
        self.addresses(per, (host, port));
    }

    fn non_standard(&mut self, per: &mut Per) {
        if self.maybe() {
            per.choose(0, 1);
            per.octets(&[3, 1, 2, 3]);
        } else {
            per.choose(1, 1);
            per.flag(false);
            per.octets(&[0xb5, 0, 0x53, 0x4c]);
        }
        let len = self.rng.below(5) as usize;
        per.data(&[7; 5][..len]);
    }

    fn alias(&mut self, per: &mut Per) {
        match self.rng.below(8) {
            0 => {
                let mut name = Per::default();
                name.octets(b"\x02a@b");
                per.choose_added(self.rng.below(5) as u32, &name);
            }
            1..4 => {
                per.choose(0, 1);
                let count = self.rng.below(4) as u32;
                per.bits(count, 7);
                per.octets(&[]);
                for digit in 0..=count {
                    per.bits(digit + 4, 4);
                }
            }
            _ => {
                per.choose(1, 1);
                per.octets(&[1, 0, b'h', 0, b'i']);
            }
        }
    }

    fn aliases(&mut self, per: &mut Per) {
        let count = self.rng.below(3) as usize;
        per.length(count);
        for _ in 0..count {
            self.alias(per);
        }
    }

    /// An identifier of two characters.
    fn name(per: &mut Per) {
        per.bits(1, 7);
        per.octets(&[0, b'g', 0, b'k']);
    }

    fn vendor(&mut self, per: &mut Per) {
        per.flag(false);
        let there = [self.maybe(), self.maybe()];
        per.present(&there);
        per.flag(false);
        per.octets(&[0xb5, 0, 0, 0x12]);
        for _ in there.iter().filter(|one| **one) {
            per.octets(&[2, b'v', b'1', 0]);
        }
    }

    fn endpoint(&mut self, per: &mut Per) {
        let added = self.seldom();
        per.flag(added);
        let there = [
            self.seldom(),
            self.maybe(),
            self.seldom(),
            self.seldom(),
            self.seldom(),
            self.maybe(),
        ];
        per.present(&there);
        if there[0] {
            self.non_standard(per);
        }
        if there[1] {
            self.vendor(per);
        }
        if there[2] {
            self.only_non_standard(per);
        }
        if there[3] {
            self.gateway(per);
        }
        if there[4] {
            self.only_non_standard(per);
        }
        if there[5] {
            self.only_non_standard(per);
        }
        per.bits(2, 2);
        if added {
            let mut set = Per::default();
            set.octets(&[0x80, 0, 0, 0]);
            per.additions(2, &[(0, set)]);
        }
    }

    fn only_non_standard(&mut self, per: &mut Per) {
        let there = self.maybe();
        per.flag(false);
        per.flag(there);
        if there {
            self.non_standard(per);
        }
    }

    fn gateway(&mut self, per: &mut Per) {
        let there = [self.maybe(), self.seldom()];
        per.flag(false);
        per.present(&there);
        if there[0] {
            let count = self.rng.below(3) as usize;
            per.length(count);
            for _ in 0..count {
                let kind = self.rng.below(9) as u32;
                per.choose(kind, 4);
                match kind {
                    0 => self.non_standard(per),
                    _ => self.only_non_standard(per),
                }
            }
        }
        if there[1] {
            self.non_standard(per);
        }
    }

    fn data_type(&mut self, per: &mut Per) {
        match self.rng.below(6) {
            0 => per.choose(1, 3),
            1 => {
                // H.261.
                per.choose(2, 3);
                per.choose(1, 3);
                per.flag(false);
                let there = [self.maybe(), self.maybe()];
                per.present(&there);
                for _ in there.iter().filter(|one| **one) {
                    per.bits(1, 2);
                }
                per.flag(true);
                per.word(400);
                per.flag(false);
            }
            2 => {
                // H.263.
                per.choose(2, 3);
                per.choose(3, 3);
                per.flag(false);
                per.present(&[false, true, true, false, false, true, false]);
                per.bits(3, 5);
                per.bits(4, 5);
                per.long(1000);
                per.bits(9, 5);
                per.long(70_000);
                per.bits(0, 0);
            }
            3 => {
                // T.120 on a stack of its own.
                per.choose(4, 3);
                per.flag(false);
                per.choose(1, 4);
                let mut empty = Per::default();
                empty.octets(&[0]);
                per.choose_added(*self.rng.pick(&[3, 3, 3, 4]), &empty);
                per.long(640);
            }
            4 => {
                // G.723.1.
                per.choose(3, 3);
                per.choose(8, 4);
                per.octets(&[1]);
                per.flag(true);
            }
            _ => {
                per.choose(3, 3);
                per.choose(3, 4);
                per.octets(&[20]);
            }
        }
    }

    fn channel_address(&mut self, per: &mut Per) {
        let (host, port) = (self.host(), self.port());
        match self.rng.below(20) {
            0 => {
                // To a group.
                per.choose(1, 1);
                per.choose(0, 1);
                per.flag(false);
                per.octets(&[224, 1, 2, 3, 0x10, 0]);
            }
            _ => per.channel_address(host, port),
        }
    }

    /// Where a channel's media go.
    fn media(&mut self) -> Per {
        let mut per = Per::default();
        per.flag(self.seldom());
        let [list, associated, media, guaranteed, control] = [
            self.seldom(),
            self.seldom(),
            self.maybe(),
            self.seldom(),
            self.maybe(),
        ];
        per.present(&[list, associated, media, guaranteed, control]);
        // What comes last is not looked into.
        let rest = if self.seldom() { self.rng.below(32) } else { 0 };
        per.bits(rest as u32, 5);
        if list {
            per.octets(&[1]);
            // H.245's own is not extensible.
            per.bits(0, 1);
            per.octets(&[2, 1, 2, 1, 9]);
        }
        per.octets(&[1]);
        if associated {
            per.bits(2, 8);
        }
        if media {
            self.channel_address(&mut per);
        }
        if guaranteed {
            per.flag(false);
        }
        if control {
            self.channel_address(&mut per);
        }
        per
    }

    fn separate_stack(&mut self) -> Per {
        let mut per = Per::default();
        per.flag(false);
        let distribution = self.seldom();
        per.present(&[distribution, false]);
        if distribution {
            per.choose(0, 1);
        }
        per.choose(2, 2);
        self.channel_address(&mut per);
        per.flag(false);
        per
    }

    fn open_channel(&mut self, per: &mut Per) {
        let (stack, reverse) = (self.rng.chance(30), self.rng.chance(30));
        per.flag(stack);
        per.flag(reverse);
        per.word(self.rng.below(3) as u16);
        let numbered = self.seldom();
        per.flag(false);
        per.flag(numbered);
        if numbered {
            per.word(7);
        }
        self.data_type(per);
        match self.rng.below(10) {
            0 => {
                // H.223.
                per.choose(1, 2);
                per.flag(false);
                per.choose(1, 3);
                per.flag(true);
            }
            1 => per.choose_added(1, &Per::default()),
            _ => per.choose_added(0, &self.media()),
        }
        if reverse {
            let there = self.rng.chance(80);
            per.flag(false);
            per.flag(there);
            self.data_type(per);
            if there {
                per.choose_added(0, &self.media());
            }
        }
        if stack {
            let stack = self.separate_stack();
            per.additions(1 + self.rng.below(3) as u32, &[(0, stack)]);
        }
    }

    fn acknowledge_channel(&mut self, per: &mut Per) {
        let (reverse, stack, forward) = (self.maybe(), self.seldom(), self.rng.chance(70));
        per.flag(stack || forward);
        per.flag(reverse);
        per.word(1);
        if reverse {
            let there = [self.seldom(), self.rng.chance(80)];
            per.flag(false);
            per.present(&there);
            per.word(2);
            if there[0] {
                per.word(3);
            }
            if there[1] {
                per.choose_added(0, &self.media());
            }
        }
        let mut added = Vec::new();
        if stack {
            added.push((0, self.separate_stack()));
        }
        if forward {
            let mut of = Per::default();
            of.flag(false);
            of.flag(false);
            let [session, media, control] = [self.maybe(), self.maybe(), self.maybe()];
            of.present(&[false, session, media, control, false]);
            if session {
                of.bits(1, 8);
            }
            if media {
                self.channel_address(&mut of);
            }
            if control {
                self.channel_address(&mut of);
            }
            added.push((1, of));
        }
        if !added.is_empty() {
            per.additions(2, &added);
        }
    }

    /// A message of H.245.
    fn control(&mut self) -> Per {
        let mut per = Per::default();
        match self.rng.below(8) {
            0 => {
                // Capabilities: not looked into.
                per.choose(0, 2);
                per.choose(2, 4);
                per.octets(&[1, 2, 3]);
            }
            1 => {
                per.choose(3, 2);
                per.octets(&[9]);
            }
            2..5 => {
                per.choose(0, 2);
                per.choose(3, 4);
                self.open_channel(&mut per);
            }
            _ => {
                per.choose(1, 2);
                per.choose(5, 5);
                self.acknowledge_channel(&mut per);
            }
        }
        per
    }

    fn fast_start(&mut self) -> Per {
        let count = self.rng.between(1, 4) as usize;
        let mut per = Per::default();
        per.length(count);
        for _ in 0..count {
            let mut channel = Per::default();
            self.open_channel(&mut channel);
            per.open(&channel);
        }
        per
    }

    fn own(&mut self) -> Per {
        let mut per = Per::default();
        self.address(&mut per);
        per
    }

    /// Additions, if there are any: their flag goes before, what they are after.
    fn added(
        &mut self,
        candidates: &[(u32, u64)],
        of: fn(&mut Self, u32) -> Per,
    ) -> Vec<(u32, Per)> {
        let taken: Vec<u32> = candidates
            .iter()
            .filter(|(_, chance)| self.rng.chance(*chance))
            .map(|(index, _)| *index)
            .collect();
        taken
            .into_iter()
            .map(|index| (index, of(self, index)))
            .collect()
    }

    fn setup(&mut self, per: &mut Per) {
        let added = self.added(&[(0, 60), (2, 50), (6, 50)], |voice, index| match index {
            0 => voice.own(),
            2 => identifier(),
            _ => voice.fast_start(),
        });
        per.flag(!added.is_empty());
        let [control, source, to, dialled, extra, numbers, services] = [
            self.maybe(),
            self.maybe(),
            self.maybe(),
            self.maybe(),
            self.seldom(),
            self.seldom(),
            self.seldom(),
        ];
        per.present(&[control, source, to, dialled, extra, numbers, services]);
        per.octets(&VERSION);
        if control {
            self.address(per);
        }
        if source {
            self.aliases(per);
        }
        self.endpoint(per);
        if to {
            self.aliases(per);
        }
        if dialled {
            let (host, port) = self.end.peer;
            per.address(host, port);
        }
        if extra {
            self.aliases(per);
        }
        if numbers {
            per.octets(&[1, 0, 5]);
        }
        per.flag(false);
        per.octets(&[3; 16]);
        per.choose(0, 2);
        if services {
            per.flag(false);
            per.bits(0, 7);
            per.flag(false);
            per.bits(0, 2);
        }
        per.choose(0, 2);
        self.finish(per, &added, 7);
    }

    fn finish(&mut self, per: &mut Per, added: &[(u32, Per)], least: u32) {
        if !added.is_empty() {
            let more = if self.seldom() { 4 } else { 0 };
            per.additions(least + more, added);
        }
    }

    /// CallProceeding, Connect or Alerting.
    fn answer(&mut self, per: &mut Per, index: u32) {
        let added = self.added(&[(0, 50), (4, 50)], |voice, index| match index {
            0 => identifier(),
            _ => voice.fast_start(),
        });
        let control = self.maybe();
        per.flag(!added.is_empty());
        per.flag(control);
        per.octets(&VERSION);
        if index != 2 {
            self.endpoint(per);
        }
        if control {
            self.address(per);
        }
        if index == 2 {
            self.endpoint(per);
            per.octets(&[3; 16]);
        }
        self.finish(per, &added, 5);
    }

    fn facility(&mut self, per: &mut Per) {
        let added = self.added(&[(0, 40), (6, 50), (7, 30)], |voice, index| match index {
            0 => identifier(),
            6 => voice.own(),
            _ => voice.fast_start(),
        });
        let [other, aliases, conference] = [self.maybe(), self.seldom(), self.seldom()];
        per.flag(!added.is_empty());
        per.present(&[other, aliases, conference]);
        per.octets(&VERSION);
        if other {
            self.forward(per);
        }
        if aliases {
            self.aliases(per);
        }
        if conference {
            per.octets(&[3; 16]);
        }
        per.choose(*self.rng.pick(&[1, 1, 3]), 2);
        self.finish(per, &added, 8);
    }

    /// To whom a call goes on.
    fn forward(&mut self, per: &mut Per) {
        let port = self.port();
        let to: IpAddr = match (self.end.own.0.is_ipv4(), self.rng.below(3)) {
            (true, 0) => [10, 0, 0, 9].into(),
            (true, 1) => [198, 51, 100, 9].into(),
            (false, 0) => [0xfd00, 0, 0, 0, 0, 0, 0, 9].into(),
            (false, 1) => [0x2001, 0xdb8, 1, 0, 0, 0, 0, 9].into(),
            _ => self.host(),
        };
        per.address(to, port);
    }

    fn progress(&mut self) -> Per {
        let mut per = Per::default();
        let [control, secured, token, fast] =
            [self.maybe(), self.seldom(), self.seldom(), self.maybe()];
        per.flag(false);
        per.present(&[control, secured, token, false, fast]);
        per.octets(&VERSION);
        self.endpoint(&mut per);
        if control {
            self.address(&mut per);
        }
        per.flag(false);
        per.octets(&[4; 16]);
        if secured {
            per.choose(1, 2);
        }
        if token {
            per.length(1);
            per.flag(false);
            per.present(&[true, true, false, false, true, false, false, false]);
            per.octets(&[2, 1, 1]);
            per.long(1_000_000);
            Self::name(&mut per);
            per.bits(3, 7);
            per.octets(&[6; 3]);
            per.length(2);
            per.octets(&[5, 5]);
        }
        if fast {
            let fast = self.fast_start().into_bytes();
            per.octets(&fast);
        }
        per
    }

    fn framed_call(&mut self) -> Vec<u8> {
        let mut user = Per::default();
        user.flag(false);
        user.flag(false);
        self.pdu(&mut user);
        let user = user.into_bytes();
        let mut bytes = vec![8, 2, 0x80, 1, *self.rng.pick(&[5, 1, 7, 2, 0x62, 3])];
        if self.maybe() {
            bytes.extend([4, 3, 0x88, 0x93, 0xa5]);
        }
        let len = user.len() as u16 + 1;
        bytes.push(0x7e);
        bytes.extend(len.to_be_bytes());
        bytes.push(5);
        bytes.extend(user);
        if self.seldom() {
            bytes.extend([0x28, 1, b'x']);
        }
        let len = bytes.len() as u16 + 4;
        [&[3, 0][..], &len.to_be_bytes(), &bytes].concat()
    }

    fn pdu(&mut self, per: &mut Per) {
        let tunnelled = self.rng.chance(60);
        let extra = self.seldom();
        per.flag(tunnelled);
        per.flag(extra);
        match self.rng.below(12) {
            0..4 => {
                per.choose(0, 3);
                self.setup(per);
            }
            index @ 4..7 => {
                let index = index as u32 - 3;
                per.choose(index, 3);
                self.answer(per, index);
            }
            7 => {
                per.choose(5, 3);
                per.flag(false);
                per.flag(true);
                per.octets(&VERSION);
                per.choose(3, 4);
            }
            8 | 9 => {
                per.choose(6, 3);
                self.facility(per);
            }
            10 => {
                let progress = self.progress();
                per.choose_added(0, &progress);
            }
            _ => per.choose_added(1, &Per::default()),
        }
        if extra {
            self.non_standard(per);
        }
        if tunnelled {
            let mut on = Per::default();
            on.flag(true);
            let count = self.rng.between(1, 6) as usize;
            let mut list = Per::default();
            list.length(count);
            for _ in 0..count {
                let message = self.control();
                list.open(&message);
            }
            per.additions(3 + self.rng.below(2) as u32, &[(1, on), (2, list)]);
        }
    }

    fn ras(&mut self, per: &mut Per, index: u32) {
        match index {
            0 | 1 => self.gatekeeper(per, index),
            3 => self.registration_request(per),
            4 => self.registration_confirm(per),
            6 => {
                per.flag(false);
                per.present(&[false, false, false]);
                per.word(9);
                self.own_addresses(per, 1720);
            }
            9 => self.admission_request(per),
            10 => self.admission_confirm(per),
            18 => {
                let named = self.maybe();
                per.flag(self.seldom());
                per.present(&[named, false]);
                per.word(9);
                if named {
                    Self::name(per);
                }
                self.aliases(per);
                self.registrar(per);
            }
            19 => {
                per.flag(false);
                per.flag(false);
                per.word(9);
                self.address(per);
                self.address(per);
            }
            22 => {
                per.flag(false);
                per.present(&[false, false, false]);
                per.word(9);
                self.endpoint(per);
                Self::name(per);
                self.registrar(per);
                self.own_addresses(per, 1720);
            }
            _ => per.octets(&[0, 0, 0, 0]),
        }
    }

    /// Where it takes RAS messages.
    fn registrar(&mut self, per: &mut Per) {
        let port = *self.rng.pick(&[self.end.own.1, self.end.own.1, 1719]);
        per.address(self.end.own.0, port);
    }

    fn gatekeeper(&mut self, per: &mut Per, index: u32) {
        per.flag(false);
        let extra = self.seldom();
        if index == 0 {
            per.present(&[extra, false, false, false]);
        } else {
            per.present(&[extra, true]);
        }
        per.word(1);
        per.octets(&VERSION);
        if extra {
            self.non_standard(per);
        }
        if index == 1 {
            Self::name(per);
            if self.maybe() {
                self.address(per);
                return;
            }
        }
        self.registrar(per);
        if index == 0 {
            self.endpoint(per);
        }
    }

    fn lifetime(&mut self) -> Vec<(u32, Per)> {
        self.added(&[(1, 60)], |voice, _| {
            let mut per = Per::default();
            per.long(*voice.rng.pick(&[0, 59, 299, 3599, 70_000, 5_000_000]));
            // Without anything behind it, the reader goes too far.
            per.octets(&[0; 4][..voice.rng.below(5) as usize]);
            per
        })
    }

    fn registration_request(&mut self, per: &mut Per) {
        let added = self.lifetime();
        let [extra, aliases, named] = [self.seldom(), self.maybe(), self.maybe()];
        per.flag(!added.is_empty());
        per.present(&[extra, aliases, named]);
        per.word(2);
        per.octets(&VERSION);
        if extra {
            self.non_standard(per);
        }
        per.flag(true);
        let port = self.port();
        self.own_addresses(per, port);
        let own = self.end.own;
        self.addresses(per, own);
        self.endpoint(per);
        if aliases {
            self.aliases(per);
        }
        if named {
            Self::name(per);
        }
        self.vendor(per);
        self.finish(per, &added, 2);
    }

    fn registration_confirm(&mut self, per: &mut Per) {
        let added = self.lifetime();
        let [extra, aliases, named] = [self.seldom(), self.maybe(), self.maybe()];
        per.flag(!added.is_empty());
        per.present(&[extra, aliases, named]);
        per.word(2);
        per.octets(&VERSION);
        if extra {
            self.non_standard(per);
        }
        let (peer, port) = (self.end.peer.0, self.port());
        self.addresses(per, (peer, port));
        if aliases {
            self.aliases(per);
        }
        if named {
            Self::name(per);
        }
        Self::name(per);
        self.finish(per, &added, 2);
    }

    fn admission_request(&mut self, per: &mut Per) {
        let [model, to, called, extra, calling] = [
            self.maybe(),
            self.maybe(),
            self.maybe(),
            self.seldom(),
            self.maybe(),
        ];
        per.flag(false);
        per.present(&[model, to, called, extra, calling, false, false]);
        per.word(3);
        per.choose(0, 2);
        if model {
            per.choose(1, 1);
        }
        Self::name(per);
        if to {
            self.aliases(per);
        }
        if called {
            self.address(per);
        }
        if extra {
            self.aliases(per);
        }
        self.aliases(per);
        if calling {
            self.address(per);
        }
        per.long(1280);
        per.word(1);
        per.octets(&[3; 16]);
        per.bits(0, 2);
    }

    fn admission_confirm(&mut self, per: &mut Per) {
        per.flag(false);
        per.present(&[false, false]);
        per.word(3);
        per.long(1280);
        per.choose(1, 1);
        if self.maybe() {
            let (peer, port) = (self.end.peer.0, self.port());
            per.address(peer, port);
        } else {
            self.address(per);
        }
    }
}

/// A call's.
fn identifier() -> Per {
    let mut per = Per::default();
    per.flag(false);
    per.octets(&[3; 16]);
    per
}
