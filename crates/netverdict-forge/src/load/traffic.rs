//! Long captures of routed traffic.

use std::fs::File;
use std::io::{self, BufWriter};
use std::net::Ipv4Addr;
use std::path::Path;

use netverdict_capture::{
    Direction, FrameOut, InterfaceOut, LinkType, PcapWriter, PcapngWriter, WriteError,
};
use netverdict_net::Timestamp;

use super::flows::{Flow, Sent, Size};
use super::{INSIDE_MAC, NEIGHBOUR_MAC, OUTSIDE, OUTSIDE_MAC};
use crate::random::Rng;
use crate::wire::ethernet;

/// What a capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Packets of all lengths.
    Mixed,
    /// Frames of 64 bytes.
    Small,
    /// Every packet opens a connection of its own.
    Scan,
    /// Both legs of a router that translates sources: pcapng, what came in on each.
    Gateway,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub packets: u64,
    /// Flows over the whole capture, which share the packets evenly.
    pub flows: u64,
    /// Nanoseconds from one packet to the next.
    pub pace: i64,
    pub seed: u64,
}

/// Flows under way at a time.
const LIVE: u64 = 4000;
/// 2026-01-01.
const START: i64 = 1_767_225_600;

enum Output {
    Pcap(PcapWriter<BufWriter<File>>),
    Pcapng(PcapngWriter<BufWriter<File>>),
}

/// Writes a capture.
///
/// # Errors
/// The file cannot be written.
pub fn write(kind: Kind, amount: Amount, path: &Path) -> io::Result<()> {
    let file = BufWriter::new(File::create(path)?);
    let mut output = open(kind, file).map_err(io::Error::other)?;
    let rng = &mut Rng::new(amount.seed, 0);
    let mut flows = Flows::new(kind, amount, rng);
    for number in 0..amount.packets {
        let time = START * Timestamp::SECOND + number as i64 * amount.pace;
        let sent = flows.next(rng);
        let mac = if sent.from_client && kind == Kind::Gateway {
            INSIDE_MAC
        } else {
            OUTSIDE_MAC
        };
        let mut frame = ethernet(NEIGHBOUR_MAC, mac, &sent.bytes);
        if kind != Kind::Mixed {
            frame.resize(frame.len().max(64), 0);
        }
        let frame = FrameOut::new(Timestamp(time), &frame);
        output
            .write(u32::from(sent.from_client), frame)
            .map_err(io::Error::other)?;
    }
    output.finish().map_err(io::Error::other)
}

fn open(kind: Kind, file: BufWriter<File>) -> Result<Output, WriteError> {
    if kind != Kind::Gateway {
        return Ok(Output::Pcap(PcapWriter::new(file, LinkType::ETHERNET)?));
    }
    let mut writer = PcapngWriter::new(file, "netverdict-forge")?;
    for name in ["eth0", "eth1"] {
        writer.interface(&InterfaceOut::new(Some(name), LinkType::ETHERNET))?;
    }
    Ok(Output::Pcapng(writer))
}

impl Output {
    fn write(&mut self, interface: u32, frame: FrameOut<'_>) -> Result<(), WriteError> {
        match self {
            Self::Pcap(writer) => writer.write(&frame),
            Self::Pcapng(writer) => {
                let direction = Some(Direction::In);
                writer.write(interface, &FrameOut { direction, ..frame })
            }
        }
    }

    fn finish(self) -> Result<(), WriteError> {
        match self {
            Self::Pcap(writer) => writer.finish().map(drop),
            // Its output is flushed when it is closed.
            Self::Pcapng(writer) => writer
                .finish()
                .into_inner()
                .map(drop)
                .map_err(|e| WriteError::Write(e.to_string())),
        }
    }
}

/// The flows under way; each that ends makes room for another.
struct Flows {
    live: Vec<Flow>,
    opened: u64,
    each: u32,
    size: Size,
    seen_as: Option<Ipv4Addr>,
}

impl Flows {
    fn new(kind: Kind, amount: Amount, rng: &mut Rng) -> Self {
        let each = match kind {
            Kind::Scan => 1,
            // A connection has a beginning and an end.
            _ => (amount.packets / amount.flows.max(1)).max(7) as u32,
        };
        let mut flows = Self {
            live: Vec::new(),
            opened: 0,
            each,
            size: if kind == Kind::Small {
                Size::Small
            } else {
                Size::Mixed
            },
            seen_as: (kind == Kind::Gateway).then(|| {
                OUTSIDE
                    .parse()
                    .expect("the outside address is an IPv4 address")
            }),
        };
        for _ in 0..LIVE.min(amount.flows).max(1) {
            let flow = flows.open(rng);
            flows.live.push(flow);
        }
        flows
    }

    fn open(&mut self, rng: &mut Rng) -> Flow {
        self.opened += 1;
        let number = self.opened as u32;
        Flow::new(number, self.each, self.size, self.seen_as, rng)
    }

    /// The next packet of one of them, drawn at random.
    fn next(&mut self, rng: &mut Rng) -> Sent {
        let at = rng.below(self.live.len() as u64) as usize;
        loop {
            if let Some(sent) = self.live[at].next(rng) {
                return sent;
            }
            self.live[at] = self.open(rng);
        }
    }
}
