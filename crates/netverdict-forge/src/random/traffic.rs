//! Random traffic of several interleaved flows, each frame built when its turn comes: an answer is addressed to whoever
//! the host's last packet said it came from, translated or not.

mod build;
mod errors;
mod ftp;
mod script;
mod sides;

use std::collections::VecDeque;
use std::net::IpAddr;

use netverdict_net::{Family, InterfaceName, MacAddr, Timestamp};

use super::network::{NEIGHBOURS, Network};
use super::{Focus, Rng, Vocabulary, packet};
use script::{Kind, Move, Warp};
use sides::{Place, Side};

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It arrives: a whole frame (a packet, on an interface without link headers).
    In,
    /// The host sends it: a packet from the IP header on.
    Out,
}

/// One frame of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedFrame {
    /// When.
    pub time: Timestamp,
    /// Where it arrives; `None` for a sent one: routing decides.
    pub interface: Option<InterfaceName>,
    /// Which way.
    pub direction: Direction,
    /// See [`Direction`].
    pub bytes: Vec<u8>,
}

/// A source of frames that learns from what became of the last one.
#[derive(Debug)]
pub struct Traffic<'n> {
    network: &'n Network,
    rng: Rng,
    flows: Vec<Flow>,
    clock: Timestamp,
    /// The flow and side of the last frame.
    last: Option<(usize, usize)>,
}

/// Two sides and what they still have to say.
#[derive(Debug)]
struct Flow {
    family: Family,
    kind: Kind,
    sides: [Side; 2],
    moves: VecDeque<Move>,
    /// Frames already built (fragments): the side and the packet.
    ready: VecDeque<(usize, Vec<u8>)>,
    /// What makes the flow's odd packets odd at the link: where an arriving frame is addressed.
    addressed: Option<MacAddr>,
    id: u16,
    /// IPv6 extension headers that all its packets have.
    extensions: Vec<(u8, Vec<u8>)>,
}

impl<'n> Traffic<'n> {
    /// Traffic of some flows of these families, with headers for what the rules of this seed are about.
    pub fn new(seed: u64, network: &'n Network, families: &[Family], words: &Vocabulary) -> Self {
        let mut rng = Rng::new(seed, 9);
        let aims = words.aims(seed);
        let count = rng.between(4, 12);
        let flows = (0..count)
            .map(|number| {
                let family = *rng.pick(families);
                Flow::new(
                    &mut rng,
                    network,
                    family,
                    number as u16,
                    &aims,
                    words.focus(),
                )
            })
            .collect();
        Self {
            network,
            rng,
            flows,
            clock: Timestamp::new(1_700_000_000, 0),
            last: None,
        }
    }

    /// The next frame; `None` when all has been said.
    pub fn next_frame(&mut self) -> Option<TimedFrame> {
        loop {
            let open: Vec<usize> = (0..self.flows.len())
                .filter(|at| !self.flows[*at].is_over())
                .collect();
            if open.is_empty() {
                return None;
            }
            // Mostly one conversation at a time, so that states are reached while others are under way.
            let at = match self.last {
                Some((last, _)) if open.contains(&last) && self.rng.chance(60) => last,
                _ => *self.rng.pick(&open),
            };
            let flow = &mut self.flows[at];
            if let Some((side, bytes)) = flow.next_packet(&mut self.rng, self.network) {
                self.last = Some((at, side));
                self.clock = self.clock + self.rng.between(1, 40) as i64 * 1_000_000;
                return Some(self.frame(at, side, bytes));
            }
        }
    }

    /// Tells what the last frame led to: the packet that left and by which interface, or the one that was delivered.
    pub fn observe(&mut self, left: Option<(&str, &[u8])>, delivered: Option<&[u8]>) {
        let Some((flow, side)) = self.last else {
            return;
        };
        let Some(flow) = self.flows.get_mut(flow) else {
            return;
        };
        let nics = &self.network.nics;
        let place = |name: &str| nics.iter().position(|n| n.name.as_str() == name);
        let (place, bytes) = match (left, delivered) {
            (_, Some(bytes)) => (Place::Host, bytes),
            (Some((name, bytes)), None) => match place(name) {
                Some(nic) => (Place::Wire(nic), bytes),
                None => return,
            },
            (None, None) => return,
        };
        flow.sides[1 - side].saw(place, bytes, flow.kind.protocol(flow.family));
    }

    fn frame(&mut self, at: usize, side: usize, bytes: Vec<u8>) -> TimedFrame {
        let flow = &self.flows[at];
        let time = self.clock;
        let Place::Wire(nic) = flow.sides[side].place else {
            return TimedFrame {
                time,
                interface: None,
                direction: Direction::Out,
                bytes,
            };
        };
        let nic = &self.network.nics[nic];
        let bytes = match nic.mac {
            Some(mac) => {
                let to = flow.addressed.unwrap_or(mac);
                let own = flow.sides[side].own;
                let neighbour = match own {
                    // Its address was made of this one.
                    IpAddr::V6(a) if a.segments()[6] == 0xfe00 => NEIGHBOURS[0],
                    _ => NEIGHBOURS[(at + side) % NEIGHBOURS.len()],
                };
                packet::ethernet(to, neighbour, &bytes)
            }
            None => bytes,
        };
        TimedFrame {
            time,
            interface: Some(nic.name),
            direction: Direction::In,
            bytes,
        }
    }
}

impl Flow {
    fn new(
        rng: &mut Rng,
        network: &Network,
        family: Family,
        number: u16,
        aims: &[&'static str],
        focus: Option<Focus>,
    ) -> Self {
        let aimed = aims.iter().filter_map(|aim| Kind::for_match(aim));
        let aimed: Vec<Kind> = aimed.collect();
        let kind = if focus == Some(Focus::Helpers) && rng.chance(50) {
            Kind::Ftp
        } else if !aimed.is_empty() && rng.chance(40) {
            *rng.pick(&aimed)
        } else {
            Kind::draw(rng, family)
        };
        let sides = sides::pair(rng, network, family, number, kind);
        let addressed = match rng.below(40) {
            0 => Some(MacAddr::BROADCAST),
            1 => Some(MacAddr([1, 0, 0x5e, 0, 0, 1])),
            2 => Some(MacAddr([2, 0, 0, 0, 0, 0xee])),
            _ if sides[1].is_group() => Some(sides::group_mac(sides[1].own)),
            _ => None,
        };
        Self {
            family,
            kind,
            moves: script::script(rng, kind, focus).into(),
            sides,
            ready: VecDeque::new(),
            addressed,
            id: number << 8,
            extensions: build::extensions(rng, family, aims),
        }
    }

    fn is_over(&self) -> bool {
        self.moves.is_empty() && self.ready.is_empty()
    }

    /// The next packet and the side that sends it; `None` if the move came to nothing.
    fn next_packet(&mut self, rng: &mut Rng, network: &Network) -> Option<(usize, Vec<u8>)> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(ready);
        }
        let step = self.moves.pop_front()?;
        let side = step.side;
        let sender = &self.sides[side];
        let nowhere = sender.own.is_unspecified() || sender.peer.is_unspecified();
        if sender.is_group() || nowhere && sender.place == Place::Host {
            return None;
        }
        let packet = self.build(rng, network, &step)?;
        // A sending kernel fills in the header's checksum and sends no more than it was given.
        let on_the_wire = matches!(step.warp, Warp::IpChecksum | Warp::Padding);
        if self.sides[side].place == Place::Host && on_the_wire {
            return Some((side, packet));
        }
        self.sides[side].sent = Some(packet.clone());
        let own = network.own(self.family);
        let to_itself = |side: &Side| {
            let peer = side.peer;
            own.contains(&peer) || peer.is_loopback() || peer.is_multicast()
        };
        let looped = self.sides[side].place == Place::Host
            && (self.sides[1 - side].place == Place::Host || to_itself(&self.sides[side]));
        let warp = match step.warp {
            // What is looped back in pieces passes the hooks in pieces, or not, by the kernel's buffers.
            Warp::Fragments(_) if looped => Warp::None,
            warp => warp,
        };
        let pieces = build::warp_packet(rng, packet, warp);
        self.ready.extend(pieces.into_iter().map(|p| (side, p)));
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_frames() {
        let run = |seed| {
            let network = Network::new(seed);
            let mut traffic = Traffic::new(seed, &network, &Family::ALL, &Vocabulary::all());
            std::iter::from_fn(move || traffic.next_frame()).collect::<Vec<_>>()
        };
        let mut total = 0;
        for seed in 0..50 {
            let frames = run(seed);
            assert_eq!(frames, run(seed));
            assert!(!frames.is_empty(), "seed {seed} draws nothing");
            assert!(frames.windows(2).all(|pair| pair[0].time <= pair[1].time));
            total += frames.len();
        }
        // Nobody answers here, so single seeds may fall silent early; together they must not.
        assert!(total > 50 * 20, "{total} frames");
    }

    /// What the server sees decides what it answers: here the host translated both addresses and a port.
    #[test]
    fn an_answer_goes_to_whom_the_packet_came_from() {
        let network = Network::new(0);
        let mut rng = Rng::new(0, 0);
        let mut flow = Flow::new(&mut rng, &network, Family::V4, 0, &[], None);
        flow.kind = Kind::Tcp;
        let ip = packet::Ip::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let translated = packet::Tcp {
            source: 1111,
            destination: 2222,
            flags: packet::flag::SYN,
            ..packet::Tcp::default()
        };
        let seen = translated.packet(&ip);
        flow.sides[1].saw(Place::Wire(0), &seen, flow.kind.protocol(Family::V4));
        flow.moves = vec![Move::tcp(1, packet::flag::SYN | packet::flag::ACK, 0)].into();
        let (side, answer) = flow.next_packet(&mut rng, &network).unwrap();
        assert_eq!(
            (side, &answer[12..20]),
            (1, &[192, 0, 2, 2, 192, 0, 2, 1][..])
        );
        assert_eq!(
            answer[20..24],
            [2222_u16.to_be_bytes(), 1111_u16.to_be_bytes()].concat()
        );
    }
}
