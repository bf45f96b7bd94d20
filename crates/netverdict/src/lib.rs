//! The command line of netverdict, and its facade for other programs.

/// Runs the command line; returns the process's exit code.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
