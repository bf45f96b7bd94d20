//! Running the binary under test.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Names of the fixture scenes.
pub(crate) const SCENES: [&str; 8] = [
    "docker-host",
    "hardened-ssh",
    "home-router",
    "ipv6-host",
    "kubernetes-node",
    "office-gateway",
    "single-server",
    "transparent-proxy",
];

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the package is a folder of the repository")
        .to_owned()
}

/// The first of these programs that is installed.
pub(crate) fn program(names: &[&str]) -> Option<PathBuf> {
    let folders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    let paths = names.iter().flat_map(|name| {
        folders
            .iter()
            .map(move |folder| Path::new(folder).join(name))
    });
    paths.into_iter().find(|path| path.is_file())
}

/// `netverdict replay` of a scene, from the root.
pub(crate) fn replay(scene: &str) -> Netverdict {
    Netverdict::new([
        "replay",
        &format!("fixtures/{scene}/bundle"),
        &format!("fixtures/{scene}/captures"),
    ])
}

/// One run of the binary, in the repository's root, with nothing of the surroundings that could change its output.
#[must_use]
pub(crate) struct Netverdict {
    command: Command,
    stdin: Option<Vec<u8>>,
    codes: Vec<i32>,
}

impl Netverdict {
    pub(crate) fn new<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netverdict-under-test"));
        command
            .args(args)
            .current_dir(root())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        Self {
            command,
            stdin: None,
            codes: vec![0],
        }
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of its surroundings.
    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    /// Runs in that directory.
    pub(crate) fn within(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The exit code that is expected, 0 if not said.
    pub(crate) fn code(self, code: i32) -> Self {
        self.any_of(&[code])
    }

    /// The exit codes of which one is expected.
    pub(crate) fn any_of(mut self, codes: &[i32]) -> Self {
        self.codes = codes.to_vec();
        self
    }

    pub(crate) fn output(self) -> Output {
        let (codes, command) = (self.codes.clone(), format!("{:?}", self.command));
        let output = self.run();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        let expected = code.is_some_and(|code| codes.contains(&code));
        assert!(
            expected,
            "{code:?}, not one of {codes:?}: {command}\n{stderr}"
        );
        output
    }

    /// The exit code, whichever it is.
    pub(crate) fn any_code(self) -> i32 {
        self.run().status.code().expect("the binary ends by itself")
    }

    fn run(mut self) -> Output {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.stdin(if self.stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        });
        let mut child = self.command.spawn().expect("the binary starts");
        let writer = self
            .stdin
            .zip(child.stdin.take())
            .map(|(bytes, mut stdin)| {
                // The binary may have seen enough and gone away.
                std::thread::spawn(move || drop(stdin.write_all(&bytes)))
            });
        let output = child.wait_with_output().expect("the binary ends");
        if let Some(writer) = writer {
            writer.join().expect("writing does not panic");
        }
        output
    }

    /// Standard output as text.
    pub(crate) fn stdout(self) -> String {
        scrub(&self.output().stdout)
    }

    /// Standard error as text.
    pub(crate) fn stderr(self) -> String {
        scrub(&self.output().stderr)
    }

    /// Standard output as JSON documents, one a line.
    pub(crate) fn lines(self) -> Vec<serde_json::Value> {
        let text = self.stdout();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect()
    }

    /// Standard output as one JSON document.
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.stdout()).expect("the output is JSON")
    }
}

/// Text without what differs from place to place.
fn scrub(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(&root().display().to_string(), "[ROOT]")
}
