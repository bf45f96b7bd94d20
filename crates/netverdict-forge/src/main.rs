//! The generators' command line: `netverdict-forge fixtures DIR` writes the fixture scenes.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["fixtures", directory] => netverdict_forge::scene::write_all(Path::new(directory)),
        _ => Err(std::io::Error::other(
            "usage: netverdict-forge fixtures DIR",
        )),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a generator's only words to its user")]
            {
                eprintln!("netverdict-forge: {error}");
            }
            ExitCode::from(2)
        }
    }
}
