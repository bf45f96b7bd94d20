//! A folder in which the commands of help texts and documentation run as written: the files that they name are there, and
//! programs that would ask a network or a live host are stood in for.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use crate::common::root;

/// Files that examples name, and the fixture that each is.
const FILES: [(&str, &str); 26] = [
    ("before.rules", "office-gateway/bundle/iptables-save"),
    ("after.rules", "office-gateway/bundle/iptables-save"),
    ("host.rules", "office-gateway/bundle/iptables-save"),
    ("rules.v4", "office-gateway/bundle/iptables-save"),
    ("new.rules", "office-gateway/bundle/iptables-save"),
    ("old.rules", "office-gateway/bundle/iptables-save"),
    ("host6.rules", "ipv6-host/bundle/ip6tables-save"),
    ("rules.v6", "ipv6-host/bundle/ip6tables-save"),
    ("ipset-save", "hardened-ssh/bundle/ipset-save"),
    ("ip-addr.json", "office-gateway/bundle/ip-addr.json"),
    ("traffic.pcap", "office-gateway/captures/all-sides.pcapng"),
    ("traffic.pcapng", "office-gateway/captures/all-sides.pcapng"),
    ("a.pcapng", "office-gateway/captures/all-sides.pcapng"),
    ("b.pcapng", "office-gateway/captures/all-sides.pcapng"),
    ("monday.pcap", "office-gateway/captures/all-sides.pcapng"),
    ("bundle", "office-gateway/bundle"),
    ("host", "office-gateway/bundle"),
    ("old", "office-gateway/bundle"),
    ("new", "office-gateway/bundle"),
    ("gateway", "office-gateway/bundle"),
    ("captures", "office-gateway/captures"),
    (
        "etc/iptables/rules.v4",
        "office-gateway/bundle/iptables-save",
    ),
    ("firewall/rules.v4", "office-gateway/bundle/iptables-save"),
    ("firewall/captures", "office-gateway/captures"),
    ("before", "office-gateway/bundle"),
    ("after", "office-gateway/bundle"),
];

/// Programs that are stood in for, and what each does.
const STAND_INS: [(&str, &str); 12] = [
    ("iptables-save", "cat \"$ROOT/fixtures/office-gateway/bundle/iptables-save\""),
    ("ip6tables-save", "cat \"$ROOT/fixtures/ipv6-host/bundle/ip6tables-save\""),
    // Writes to the file of -w, or to standard output.
    (
        "tcpdump",
        "while [ $# -gt 0 ]; do [ \"$1\" = -w ] && out=$2; shift; done
capture=\"$ROOT/fixtures/office-gateway/captures/all-sides.pcapng\"
if [ \"${out:--}\" = - ]; then cat \"$capture\"; else cp \"$capture\" \"$out\"; fi",
    ),
    ("sudo", "exec \"$@\""),
    ("ssh", "shift; case \"$1\" in sh) cat > /dev/null;; *) exec \"$@\";; esac"),
    ("scp", "exit 0"),
    ("git", "exit 0"),
    // The repository's own commands are tested as such; what is run with them runs.
    (
        "cargo",
        "if [ \"$1\" = run ]; then while [ \"$1\" != -- ]; do shift; done; shift; cd \"$ROOT\" && exec netverdict \"$@\"; fi
case \"$1\" in install|test) exit 0;; esac
echo \"no stand-in for cargo $1\" >&2; exit 2",
    ),
    ("just", "grep -q \"^$1\\( .*\\)\\?:\" \"$ROOT/justfile\""),
    ("wireshark", "exit 0"),
    ("podman", "exit 0"),
    ("tshark", "exit 0"),
];

pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for (name, fixture) in FILES {
            let path = at(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            copy(&root().join("fixtures").join(fixture), &path);
        }
        copy(&root().join("fixtures"), &at("fixtures"));
        // Cases name their hosts from where they are.
        symlink("fixtures/suites", at("suites")).unwrap();
        symlink(root().join("share"), at("share")).unwrap();
        fs::create_dir(at("bin")).unwrap();
        for (name, does) in STAND_INS {
            let path = at("bin").join(name);
            fs::write(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink(
            env!("CARGO_BIN_EXE_netverdict-under-test"),
            at("bin/netverdict"),
        )
        .unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs one command line. What it would write into the system it writes below the folder.
    pub(crate) fn run(&self, line: &str) -> Output {
        let here = self.path().display().to_string();
        let line = ["/usr/", "/etc/"]
            .iter()
            .fold(line.to_owned(), |line, system| {
                line.replace(&format!(" {system}"), &format!(" {here}{system}"))
            });
        for word in line.split_whitespace().filter(|w| w.starts_with(&here)) {
            fs::create_dir_all(Path::new(word).parent().unwrap()).unwrap();
        }
        fs::create_dir_all(self.path().join(".zfunc")).unwrap();
        fs::create_dir_all(self.path().join(".config/fish/completions")).unwrap();
        Command::new("sh")
            .arg("-c")
            .arg(&line)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", format!("{here}/bin:/usr/sbin:/usr/bin:/sbin:/bin"))
            .env("HOME", &here)
            .env("ROOT", root())
            .output()
            .unwrap()
    }

    /// Runs commands as written; each must do its work, whatever it finds.
    pub(crate) fn run_all(&self, of: &str, lines: &[String]) {
        for line in lines {
            if line.contains(" --review") {
                println!("skipped, it asks somebody on a terminal: {line}");
                continue;
            }
            let output = self.run(line);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                matches!(output.status.code(), Some(0 | 1)) && !said.contains("not found"),
                "{of}: {line}\nended in {}\n{said}",
                output.status
            );
        }
    }
}

/// A copy, since commands may write over what they read.
fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// Whether a command asks this machine's kernel, and so wants root.
pub(crate) fn asks_the_kernel(line: &str) -> bool {
    line.contains("netverdict conform") || line.contains("-- conform")
}

/// Command lines of a block: a backslash at a line's end joins it with the next.
pub(crate) fn command_lines<'l>(lines: impl IntoIterator<Item = &'l str>) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in lines {
        let line = line.trim();
        let (text, goes_on) = match line.strip_suffix('\\') {
            Some(text) => (text.trim_end(), true),
            None => (line, false),
        };
        match commands.last_mut().filter(|_| is_open) {
            Some(command) => {
                command.push(' ');
                command.push_str(text);
            }
            None if !text.is_empty() && !text.starts_with('#') => commands.push(text.to_owned()),
            None => {}
        }
        is_open = goes_on;
    }
    commands
}
