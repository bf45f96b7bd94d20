//! The binary that the end-to-end tests run: `netverdict` itself, built as part of this package.

fn main() -> std::process::ExitCode {
    netverdict::main()
}
