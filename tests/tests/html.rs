//! The page in a browser. `NETVERDICT_CHROMIUM` names one that is not found by itself.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use netverdict_capture::{FrameOut, InterfaceOut, LinkType, PcapngWriter};
use netverdict_net::Timestamp;
use serde_json::Value;

use crate::common::{Netverdict, SCENES, program, replay};

/// Opens a page, runs a script in it and gives what the script returns; `None` without a browser. Nothing may have been
/// complained of on the console.
fn browse(page: &str, script: &str) -> Option<Value> {
    let named = std::env::var_os("NETVERDICT_CHROMIUM").map(Into::into);
    let browser = named.or_else(|| program(&["chromium", "chromium-browser", "google-chrome"]));
    let Some(browser) = browser else {
        println!("skipped: no chromium is installed");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let script = format!(
        "<script>addEventListener('load', async () => {{
            const wait = (milliseconds = 200) => new Promise(done => setTimeout(done, milliseconds));
            const one = selector => document.querySelector(selector);
            const all = selector => [...document.querySelectorAll(selector)];
            const key = (node, name) => node.dispatchEvent(new KeyboardEvent('keydown', {{ key: name, bubbles: true, cancelable: true }}));
            const type = async (node, text) => {{ node.value = text; node.dispatchEvent(new Event('input')); await wait(); }};
            let result;
            try {{ result = await (async () => {{ {script} }})(); }} catch (error) {{ result = {{ error: String(error.stack) }}; }}
            const said = document.createElement('pre');
            said.id = 'said';
            said.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(result))));
            document.body.replaceChildren(said);
        }});</script></body>"
    );
    fs::write(&path, page.replacen("</body>", &script, 1)).unwrap();
    let output = Command::new("timeout")
        .arg("180")
        .arg(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            "--window-size=1280,900",
            "--virtual-time-budget=60000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("file://{}", path.display()))
        .output()
        .unwrap();
    let (dom, log) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let complaints: Vec<_> = log.lines().filter(|l| l.contains(":CONSOLE")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    let said = dom
        .split_once("<pre id=\"said\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"));
    let (said, _) = said.unwrap_or_else(|| panic!("the page did not answer: {log}"));
    let value: Value = serde_json::from_slice(&base64(said)).unwrap();
    assert!(value["error"].is_null(), "{}", value["error"]);
    Some(value)
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut bytes, mut bits, mut have) = (Vec::new(), 0_u32, 0);
    for value in text.bytes().filter_map(digit) {
        bits = (bits << 6) | u32::from(value);
        have += 6;
        if have >= 8 {
            have -= 8;
            bytes.push((bits >> have) as u8);
        }
    }
    bytes
}

fn page(scene: &str) -> String {
    replay(scene).args(["--format", "html"]).stdout()
}

#[test]
fn every_scene_opens_without_a_complaint() {
    for scene in SCENES {
        let packets = replay(scene).args(["--format", "packets"]).lines();
        let Some(seen) = browse(
            &page(scene),
            "return { cards: all('.card .big').map(node => Number(node.textContent.replaceAll(',', ''))), rules: all('.rule:not(.rule-head)').length,
                      bars: all('#time-chart rect.bar').length, title: one('#title').textContent, assumed: one('#notes-body').textContent };",
        ) else {
            return;
        };
        let sum: u64 = seen["cards"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap())
            .sum();
        assert_eq!(sum, packets.len() as u64, "{scene}");
        assert!(
            seen["rules"].as_u64() > Some(0) && seen["bars"].as_u64() > Some(0),
            "{scene}"
        );
        assert!(seen["title"].as_str().unwrap().contains(scene));
        assert!(
            seen["assumed"]
                .as_str()
                .unwrap()
                .contains("no connection existed"),
            "{scene}"
        );
    }
}

#[test]
fn flows_are_searched_sorted_filtered_and_opened_by_keyboard() {
    let Some(seen) = browse(
        &page("office-gateway"),
        "const grid = one('#grid'), rows = () => all('.flow').length, count = () => one('#flow-count').textContent;
         const before = count();
         await type(one('#search'), 'udp');
         const searched = count();
         await type(one('#search'), '');
         all('.chip').find(chip => chip.textContent === 'DROP').click();
         const dropped = all('.flow .c-verdict').map(cell => cell.textContent);
         all('.chip').find(chip => chip.textContent === 'DROP').click();
         all('#grid-head button').find(button => button.textContent === 'Packets').click();
         const packets = all('.flow .c-packets').map(cell => Number(cell.textContent.replaceAll(',', '')));
         const sorted = one('[aria-sort=\"descending\"]').textContent;
         grid.focus();
         key(grid, 'ArrowDown'); key(grid, 'ArrowDown'); key(grid, 'ArrowUp');
         const active = grid.getAttribute('aria-activedescendant') === one('.flow.active').id;
         key(grid, 'Enter');
         const dialog = one('dialog'), open = dialog.open, way = all('.way li').map(step => step.textContent), listed = all('.packets tbody tr').length;
         const hooks = all('.way li.hook').map(step => step.textContent);
         const command = one('.cmd code').textContent;
         one('.way a').click();
         const target = one('.rule.target')?.id;
         return { before, searched, dropped, packets, sorted, active, open, way, listed, hooks, command, closed: !dialog.open, target };",
    ) else {
        return;
    };
    assert!(
        seen["searched"].as_str().unwrap().contains(" of "),
        "{seen}"
    );
    assert!(!seen["before"].as_str().unwrap().contains(" of "), "{seen}");
    let dropped = seen["dropped"].as_array().unwrap();
    assert!(
        !dropped.is_empty() && dropped.iter().all(|v| v == "DROP"),
        "{seen}"
    );
    let packets: Vec<u64> = seen["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_u64().unwrap())
        .collect();
    assert!(
        packets.windows(2).all(|pair| pair[0] >= pair[1])
            && packets[0] > packets[packets.len() - 1]
    );
    for flag in ["active", "open", "closed"] {
        assert_eq!(seen[flag], true, "{flag}: {seen}");
    }
    assert_eq!(seen["hooks"][0], "PREROUTING", "{seen}");
    assert!(
        seen["target"].as_str().unwrap().starts_with("rule-"),
        "{seen}"
    );
    assert!(seen["listed"].as_u64() > Some(0));
    // The command shown is the one that shows this packet.
    let command = seen["command"].as_str().unwrap();
    let arguments = command.strip_prefix("netverdict ").unwrap();
    Netverdict::new(arguments.split(' ')).output();
}

#[test]
fn names_from_dumps_and_captures_are_text() {
    let hostile = "</script><img src=x onerror=document.title='owned'><script>document.title='owned'</script>";
    let dump = format!(
        "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m comment --comment \"{hostile}\" -j ACCEPT\nCOMMIT\n"
    );
    let html = Netverdict::new([
        "replay",
        "-",
        "fixtures/single-server/captures/traffic.pcapng",
        "--format",
        "html",
        "--local",
        "203.0.113.10",
    ])
    .stdin(dump)
    .stdout();
    assert_eq!(
        html.matches("</script>").count(),
        2,
        "only the page's own script elements end"
    );
    let Some(seen) = browse(
        &html,
        "await wait(); return { title: document.title, images: all('img').length, rule: one('.rule .t-str').textContent };",
    ) else {
        return;
    };
    assert_eq!(seen["images"], 0);
    assert_ne!(seen["title"], "owned");
    assert_eq!(seen["rule"], format!("\"{hostile}\""));
}

/// A capture of so many flows of one UDP packet each.
fn flood(path: &Path, flows: u32) {
    let file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    let mut writer = PcapngWriter::new(file, "tests").unwrap();
    writer
        .interface(&InterfaceOut::new(Some("eth0"), LinkType::RAW))
        .unwrap();
    for n in 0..flows {
        let source = Ipv4Addr::from(0x0a00_0000 + n / 4);
        let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0];
        packet.extend(source.octets());
        packet.extend([203, 0, 113, 10]);
        packet.extend((1024 + (n % 60_000) as u16).to_be_bytes());
        packet.extend([0, 53, 0, 8, 0, 0]);
        let sum: u32 = packet[..20]
            .chunks(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum();
        let sum = !(((sum & 0xffff) + (sum >> 16)) as u16);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        let time = Timestamp::new(1_770_000_000 + i64::from(n / 1000), n % 1000 * 1_000_000);
        writer.write(0, &FrameOut::new(time, &packet)).unwrap();
    }
    std::io::Write::flush(&mut writer.finish()).unwrap();
}

#[test]
fn a_hundred_thousand_flows_are_usable() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("flood.pcapng");
    flood(&capture, 100_000);
    let html = Netverdict::new([
        "replay",
        "fixtures/single-server/bundle",
        capture.to_str().unwrap(),
        "--format",
        "html",
        "--set",
        "net.netfilter.nf_conntrack_max=200000",
    ])
    .stdout();
    assert!(html.len() < 40_000_000, "{} bytes", html.len());
    let Some(seen) = browse(
        &html,
        "const grid = one('#grid');
         const count = one('#flow-count').textContent, first = all('.flow').length;
         grid.focus(); key(grid, 'End'); await wait();
         const last = all('.flow').length, end = one('.flow.active')?.getAttribute('aria-rowindex');
         all('#grid-head button').find(button => button.textContent === 'Source').click();
         all('#grid-head button').find(button => button.textContent.startsWith('Source')).click();
         const top = one('.flow .c-source').textContent;
         await type(one('#search'), '10.0.0.7:');
         return { count, first, last, end, top, found: one('#flow-count').textContent };",
    ) else {
        return;
    };
    assert_eq!(seen["count"], "100,000 flows");
    assert!(
        seen["first"].as_u64() < Some(100) && seen["last"].as_u64() < Some(100),
        "{seen}"
    );
    assert_eq!(seen["end"], "100001");
    assert!(
        seen["top"].as_str().unwrap().starts_with("10.0.97."),
        "{seen}"
    );
    assert_eq!(seen["found"], "4 of 100,000 flows");
}
