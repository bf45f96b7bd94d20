//! Scenes onto disk: `fixtures/<scene>/{README.md, bundle/…, captures/…}`.

use std::fs;
use std::io;
use std::path::Path;

use netverdict_capture::{Direction, FrameOut, InterfaceOut, LinkType, PcapngWriter};

use super::{Scene, all};
use crate::tape::{Tape, Way};

/// Writes every scene under `directory`. The same input gives the same bytes.
pub fn write_all(directory: &Path) -> io::Result<()> {
    for scene in all() {
        for (path, bytes) in files(&scene)? {
            let target = directory.join(scene.name).join(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(target, bytes)?;
        }
    }
    Ok(())
}

/// Every file of a scene: path below its folder, and contents.
pub fn files(scene: &Scene) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = vec![("README.md".to_owned(), readme(scene).into_bytes())];
    let mut bundle =
        |name: &str, text: String| files.push((format!("bundle/{name}"), text.into_bytes()));
    if let Some(text) = scene.v4 {
        bundle("iptables-save", text.to_owned());
    }
    if let Some(text) = scene.v6 {
        bundle("ip6tables-save", text.to_owned());
        bundle("ip6-route.json", scene.host.route_json(true));
    }
    if let Some(text) = scene.sets {
        bundle("ipset-save", text.to_owned());
    }
    bundle("ip-addr.json", scene.host.addr_json());
    bundle("ip-route.json", scene.host.route_json(false));
    bundle("ip-rule.json", scene.host.rule_json());
    bundle("sysctl.txt", scene.host.sysctl_text());
    for (name, tape) in &scene.captures {
        files.push((
            format!("captures/{name}.pcapng"),
            pcapng(tape.clone()).map_err(io::Error::other)?,
        ));
    }
    Ok(files)
}

fn readme(scene: &Scene) -> String {
    format!(
        "# {}\n\n{}\n\nMade by `just fixtures` (crate netverdict-forge, `src/scene/{}.rs`): addresses are documentation and private \
         ranges,\nevery packet is generated. Do not edit; change the generator.\n",
        scene.name,
        scene.story,
        scene.name.replace('-', "_")
    )
}

fn pcapng(tape: Tape) -> Result<Vec<u8>, netverdict_capture::WriteError> {
    let (interfaces, shots) = tape.finish();
    let mut writer = PcapngWriter::new(Vec::new(), "netverdict-forge")?;
    for name in &interfaces {
        writer.interface(&InterfaceOut::new(Some(name), LinkType::ETHERNET))?;
    }
    for shot in shots {
        let direction = match shot.way {
            Way::In => Direction::In,
            Way::Out => Direction::Out,
        };
        let frame = FrameOut {
            direction: Some(direction),
            ..FrameOut::new(shot.time, &shot.frame)
        };
        writer.write(shot.interface as u32, &frame)?;
    }
    Ok(writer.finish())
}
