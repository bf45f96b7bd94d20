//! The classic BPF machine, as net/core/filter.c runs it on a packet whose data starts at the IP header.

use netverdict_net::{Beyond, Family, PacketType};
use netverdict_ruleset::matches::BpfInstruction;

use crate::Skb;

/// Why a program gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BpfError {
    /// It read what the capture does not hold.
    NotCaptured,
    /// It read something about the packet that no capture tells.
    Ancillary,
}

/// Negative offsets name facts beside the packet (`SKF_AD_OFF`) or other headers.
const ANCILLARY: u32 = 0xffff_f000;
const NETWORK: u32 = 0xfff0_0000;

struct Machine<'a, 'p> {
    skb: &'a Skb<'p>,
    a: u32,
    x: u32,
    memory: [u32; 16],
}

/// Why the machine stopped.
enum Stop {
    /// With this result.
    Return(u32),
    Error(BpfError),
}

/// Runs a program: its return value. A load beyond the packet and a division by zero return 0, as does leaving the
/// program's end, which the kernel refuses to load.
pub(crate) fn run(program: &[BpfInstruction], skb: &Skb<'_>) -> Result<u32, BpfError> {
    let mut machine = Machine {
        skb,
        a: 0,
        x: 0,
        memory: [0; 16],
    };
    let mut at = 0;
    // Jumps only go forward, so the program ends.
    while let Some(instruction) = program.get(at) {
        match machine.step(instruction) {
            Ok(skip) => at += 1 + skip,
            Err(Stop::Return(value)) => return Ok(value),
            Err(Stop::Error(error)) => return Err(error),
        }
    }
    Ok(0)
}

impl Machine<'_, '_> {
    /// Does one instruction; gives how many to skip.
    fn step(&mut self, i: &BpfInstruction) -> Result<usize, Stop> {
        match i.code & 7 {
            0 => self.a = self.load(i)?,
            1 => self.x = self.load_index(i)?,
            2 => self.store(i.k, self.a),
            3 => self.store(i.k, self.x),
            4 => self.a = self.compute(i)?,
            5 => return Ok(self.jump(i)),
            6 => {
                let value = if i.code & 0x18 == 0x10 { self.a } else { i.k };
                return Err(Stop::Return(value));
            }
            _ if i.code & 0x80 == 0 => self.x = self.a,
            _ => self.a = self.x,
        }
        Ok(0)
    }

    fn store(&mut self, at: u32, value: u32) {
        if let Some(cell) = self.memory.get_mut(at as usize) {
            *cell = value;
        }
    }

    fn cell(&self, at: u32) -> u32 {
        self.memory.get(at as usize).copied().unwrap_or(0)
    }

    fn load(&self, i: &BpfInstruction) -> Result<u32, Stop> {
        let size = match i.code & 0x18 {
            0x00 => 4,
            0x08 => 2,
            _ => 1,
        };
        match i.code & 0xe0 {
            0x00 => Ok(i.k),
            0x20 if i.k >= ANCILLARY => self.ancillary(i.k - ANCILLARY),
            0x20 => self.packet(i.k, size),
            0x40 => self.packet(self.x.wrapping_add(i.k), size),
            0x60 => Ok(self.cell(i.k)),
            _ => Ok(self.skb.packet.len() as u32),
        }
    }

    fn load_index(&self, i: &BpfInstruction) -> Result<u32, Stop> {
        match i.code & 0xe0 {
            0x00 => Ok(i.k),
            0x60 => Ok(self.cell(i.k)),
            // The IP header length idiom: four times the low nibble of a byte.
            0xa0 => Ok((self.packet(i.k, 1)? & 15) * 4),
            _ => Ok(self.skb.packet.len() as u32),
        }
    }

    fn packet(&self, offset: u32, size: usize) -> Result<u32, Stop> {
        let offset = match offset {
            o if o >= NETWORK => o - NETWORK,
            o if o > i32::MAX as u32 => return Err(Stop::Error(BpfError::Ancillary)),
            o => o,
        };
        match self.skb.packet.read(offset as usize, size) {
            Ok(bytes) => Ok(bytes
                .iter()
                .fold(0, |word, byte| word << 8 | u32::from(*byte))),
            Err(Beyond::PacketEnd) => Err(Stop::Return(0)),
            Err(Beyond::Captured) => Err(Stop::Error(BpfError::NotCaptured)),
        }
    }

    /// The facts that a replay knows: protocol, packet type, mark; the CPU is 0.
    fn ancillary(&self, which: u32) -> Result<u32, Stop> {
        match which {
            0 => Ok(match self.skb.packet.family() {
                Family::V4 => 0x0800,
                Family::V6 => 0x86dd,
            }),
            4 => Ok(match self.skb.packet.link.packet_type {
                PacketType::Host => 0,
                PacketType::Broadcast => 1,
                PacketType::Multicast => 2,
                PacketType::OtherHost => 3,
                PacketType::Outgoing => 4,
            }),
            20 => Ok(self.skb.mark),
            36 => Ok(0),
            40 => Ok(self.a ^ self.x),
            _ => Err(Stop::Error(BpfError::Ancillary)),
        }
    }

    fn compute(&self, i: &BpfInstruction) -> Result<u32, Stop> {
        let operand = if i.code & 0x08 == 0 { i.k } else { self.x };
        let a = self.a;
        Ok(match i.code & 0xf0 {
            0x00 => a.wrapping_add(operand),
            0x10 => a.wrapping_sub(operand),
            0x20 => a.wrapping_mul(operand),
            0x30 => a.checked_div(operand).ok_or(Stop::Return(0))?,
            0x40 => a | operand,
            0x50 => a & operand,
            0x60 => a.wrapping_shl(operand),
            0x70 => a.wrapping_shr(operand),
            0x80 => a.wrapping_neg(),
            0x90 => a.checked_rem(operand).ok_or(Stop::Return(0))?,
            _ => a ^ operand,
        })
    }

    fn jump(&self, i: &BpfInstruction) -> usize {
        let operand = if i.code & 0x08 == 0 { i.k } else { self.x };
        let taken = match i.code & 0xf0 {
            0x00 => return i.k as usize,
            0x10 => self.a == operand,
            0x20 => self.a > operand,
            0x30 => self.a >= operand,
            _ => self.a & operand != 0,
        };
        usize::from(if taken { i.jt } else { i.jf })
    }
}
