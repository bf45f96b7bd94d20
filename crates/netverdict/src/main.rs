//! The `netverdict` binary.

fn main() -> std::process::ExitCode {
    netverdict::main()
}
