//! `-m bpf`: a classic BPF program over the packet.

use std::fmt;

use crate::value::join;

/// Runs a program over the packet from the IP header on; any non-zero result is a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bpf {
    /// `--bytecode`.
    Bytecode(Vec<BpfInstruction>),
    /// `--object-pinned`: an eBPF program that lives in the kernel; undecidable.
    Pinned(String),
}

/// One instruction (`struct sock_filter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BpfInstruction {
    /// Operation.
    pub code: u16,
    /// Jump if true.
    pub jt: u8,
    /// Jump if false.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

impl fmt::Display for BpfInstruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.code, self.jt, self.jf, self.k)
    }
}

impl fmt::Display for Bpf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytecode(program) => {
                write!(f, " --bytecode \"{},", program.len())?;
                join(f, program, ",")?;
                f.write_str("\"")
            }
            Self::Pinned(path) => write!(f, " --object-pinned {path}"),
        }
    }
}
