//! Changes to the scenes' rules: what `netverdict diff` is shown on. OLD is the scene's bundle, its captures the traffic.

use std::fs;
use std::io;
use std::path::Path;

use crate::scene::{self, Scene};

/// A change.
#[derive(Debug)]
pub struct Pair {
    /// Folder name under `fixtures/pairs/`.
    pub name: &'static str,
    /// The scene that is OLD.
    pub scene: &'static str,
    /// What changes, in a sentence or two.
    pub story: &'static str,
    /// Lines of its IPv4 dump, and what they become.
    edits: &'static [(&'static str, &'static str)],
}

/// Every pair.
pub const ALL: [Pair; 3] = [
    Pair {
        name: "single-server",
        scene: "single-server",
        story: "Somebody tidies the rules: ssh from the office is lost, ident is dropped like all else, ping moves down.",
        edits: &[
            (
                "[0:0] -A INPUT -p icmp -m icmp --icmp-type 8 -m limit --limit 5/sec -j ACCEPT\n",
                "",
            ),
            (
                "[0:0] -A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 22 -m comment --comment \"ssh from the office\" -j ACCEPT\n",
                "",
            ),
            (
                "[0:0] -A INPUT -p tcp -m tcp --dport 113 -j REJECT --reject-with tcp-reset\n",
                "[0:0] -A INPUT -p icmp -m icmp --icmp-type 8 -m limit --limit 5/sec -j ACCEPT\n",
            ),
        ],
    },
    Pair {
        name: "home-router",
        scene: "home-router",
        story: "A second public address: outward traffic leaves with it, the forwarded port goes to another machine, mail is \
                dropped, and web traffic from home is marked.",
        edits: &[
            (
                "[0:0] -A FORWARD -o wan0 -p tcp -m tcp --tcp-flags",
                "[0:0] -A FORWARD -i lan0 -p tcp -m tcp --dport 443 -j MARK --set-xmark 0x1/0xffffffff\n\
                 [0:0] -A FORWARD -o wan0 -p tcp -m tcp --tcp-flags",
            ),
            (
                "--dport 8443 -j DNAT --to-destination 192.168.1.20:443",
                "--dport 8443 -j DNAT --to-destination 192.168.1.21:443",
            ),
            (
                "-o wan0 -j MASQUERADE",
                "-o wan0 -j SNAT --to-source 203.0.113.78",
            ),
            (
                "--dport 25 -j REJECT --reject-with icmp-admin-prohibited",
                "--dport 25 -j DROP",
            ),
            (
                "-A FORWARD -d 192.168.1.20/32",
                "-A FORWARD -d 192.168.1.21/32",
            ),
        ],
    },
    Pair {
        name: "office-gateway",
        scene: "office-gateway",
        story: "Rules move within their chains and one more logs: no packet fares otherwise.",
        edits: &[
            (
                "[0:0] -A FORWARD -o eth2 -j dmz-in\n[0:0] -A FORWARD -i eth2 -j dmz-out\n",
                "[0:0] -A FORWARD -i eth2 -j dmz-out\n[0:0] -A FORWARD -o eth2 -j dmz-in\n",
            ),
            (
                "[0:0] -A dmz-in -d 172.20.0.10/32",
                "[0:0] -A dmz-in -p tcp -m tcp --dport 25 -j LOG --log-prefix \"mail: \"\n[0:0] -A dmz-in -d 172.20.0.10/32",
            ),
        ],
    },
];

impl Pair {
    /// Every file: path below its folder, and contents.
    ///
    /// # Errors
    /// The scene is not there, or an edit does not fit its dump exactly once.
    pub fn files(&self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let scene = scene::all().into_iter().find(|s| s.name == self.scene);
        let scene = scene.ok_or_else(|| io::Error::other(format!("no scene {}", self.scene)))?;
        let mut files = vec![("README.md".to_owned(), self.readme().into_bytes())];
        for (path, bytes) in scene::files(&scene)? {
            let Some(name) = path.strip_prefix("bundle/") else {
                continue;
            };
            let bytes = if name == "iptables-save" {
                self.edited(&scene)?.into_bytes()
            } else {
                bytes
            };
            files.push((format!("new/{name}"), bytes));
        }
        Ok(files)
    }

    fn edited(&self, scene: &Scene) -> io::Result<String> {
        let mut text = scene.v4.unwrap_or_default().to_owned();
        for (from, to) in self.edits {
            if text.matches(from).count() != 1 {
                return Err(io::Error::other(format!(
                    "{}: not once in the dump: {from}",
                    self.name
                )));
            }
            text = text.replace(from, to);
        }
        Ok(text)
    }

    fn readme(&self) -> String {
        format!(
            "# {}: a change\n\n{}\n\nOLD is `fixtures/{}/bundle`, NEW is `new`. Made by `just fixtures` (crate netverdict-forge, \
             `src/pair.rs`).\nDo not edit; change the generator.\n",
            self.name, self.story, self.scene
        )
    }
}

/// Writes every pair under `directory`. The same input gives the same bytes.
///
/// # Errors
/// An edit does not fit, or a file cannot be written.
pub fn write_all(directory: &Path) -> io::Result<()> {
    for pair in &ALL {
        for (path, bytes) in pair.files()? {
            let target = directory.join("pairs").join(pair.name).join(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(target, bytes)?;
        }
    }
    Ok(())
}
