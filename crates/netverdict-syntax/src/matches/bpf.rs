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
    program.filter(|p| p.len() as u64 == length).ok_or_else(bad)
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
