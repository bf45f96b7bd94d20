//! `-m bpf`.

use netverdict_ruleset::matches::{Bpf, BpfInstruction, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::number_in;

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "bpf",
    family: None,
    options: &[Opt::value("bytecode"), Opt::value("object-pinned")],
    place: Place::ANY,
    build,
};

/// Most instructions.
const MAX: usize = 64;
/// Bytes of a path, the final NUL aside.
const PATH_MAX: usize = 511;

fn build(given: &Given<'_>) -> Parsed<Match> {
    match (given.arg("bytecode"), given.arg("object-pinned")) {
        (Some(arg), None) => program(arg).map(|program| Match::Bpf(Bpf::Bytecode(program))),
        (None, Some(arg)) => arg
            .text(1, PATH_MAX)
            .map(|path| Match::Bpf(Bpf::Pinned(path))),
        (None, None) => Err(given.missing("--bytecode or --object-pinned")),
        (Some(_), Some(pinned)) => Err(pinned.bad("only one of --bytecode and --object-pinned")),
    }
}

/// `length,code jt jf k,…`.
fn program(arg: Arg<'_>) -> Parsed<Vec<BpfInstruction>> {
    let bad =
        || arg.bad("the number of instructions and as many `code jt jf k`, separated by commas");
    let mut parts = arg.text.trim_end_matches(',').split(',');
    let length = parts
        .next()
        .and_then(|n| number_in(n.trim(), 1, MAX as u64))
        .ok_or_else(bad)?;
    let program: Option<Vec<_>> = parts.map(instruction).collect();
    let program = program
        .filter(|p| p.len() as u64 == length)
        .ok_or_else(bad)?;
    if !is_sound(&program) {
        return Err(arg.bad("a program that ends in `ret` and jumps only within itself"));
    }
    Ok(program)
}

/// What the kernel wants of a program before it runs it (`bpf_check_classic`).
fn is_sound(program: &[BpfInstruction]) -> bool {
    const CLASS: u16 = 0x07;
    const JUMP: u16 = 0x05;
    const RETURN: u16 = 0x06;
    const ALWAYS: u16 = 0x05;
    let left = |at: usize| (program.len() - at - 1) as u64;
    let jumps = program.iter().enumerate().all(|(at, i)| match i.code {
        ALWAYS => u64::from(i.k) < left(at),
        code if code & CLASS == JUMP => u64::from(i.jt.max(i.jf)) < left(at),
        _ => true,
    });
    let known = program.iter().all(is_known);
    jumps && known && program.last().is_some_and(|i| i.code & CLASS == RETURN)
}

/// Whether the operation exists and its operand is possible.
fn is_known(instruction: &BpfInstruction) -> bool {
    match instruction.code {
        // Division and modulus by a constant, shifts by a constant.
        0x34 | 0x94 => instruction.k != 0,
        0x64 | 0x74 => instruction.k < 32,
        // Scratch memory has 16 words.
        0x60 | 0x61 | 0x02 | 0x03 => instruction.k < 16,
        0x00 | 0x01 | 0x20 | 0x28 | 0x30 | 0x40 | 0x48 | 0x50 | 0x80 | 0x81 | 0xb1 => true,
        0x04 | 0x0c | 0x14 | 0x1c | 0x24 | 0x2c | 0x3c | 0x44 | 0x4c | 0x54 | 0x5c => true,
        0x6c | 0x7c | 0x84 | 0x9c | 0xa4 | 0xac => true,
        0x05 | 0x15 | 0x1d | 0x25 | 0x2d | 0x35 | 0x3d | 0x45 | 0x4d => true,
        0x06 | 0x16 | 0x07 | 0x87 => true,
        _ => false,
    }
}

fn instruction(text: &str) -> Option<BpfInstruction> {
    let mut numbers = text.split_ascii_whitespace();
    let instruction = BpfInstruction {
        code: numbers.next()?.parse().ok()?,
        jt: numbers.next()?.parse().ok()?,
        jf: numbers.next()?.parse().ok()?,
        k: numbers.next()?.parse().ok()?,
    };
    numbers.next().is_none().then_some(instruction)
}
