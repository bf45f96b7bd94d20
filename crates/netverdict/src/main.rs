//! The `netverdict` binary.

/// Small pieces of memory, asked for and given back by several threads, are most of what loading a large ruleset takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    netverdict::main()
}
