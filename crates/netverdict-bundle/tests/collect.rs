//! The collect script, run in a network namespace of its own: the bundle that it gathers reads back. Needs root and
//! iptables; says so where it lacks them.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use netverdict_bundle::{Bundle, SourceKind, collect_script};
use netverdict_net::Family;

const SETUP: &str = "\
ip link set lo up
ip link add eth0 type veth peer name peer0
ip link set eth0 up
ip link set peer0 up
ip addr add 10.0.0.1/24 dev eth0
ip route add default via 10.0.0.254
ip rule add fwmark 7 lookup main pref 100
sysctl -qw net.ipv4.ip_forward=1
iptables-restore <<'RULES' || exit 77
*filter
:INPUT DROP [0:0]
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
COMMIT
RULES
";

#[test]
fn what_it_gathers_reads_back() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let script = dir.path().join("collect.sh");
    let bundle = dir.path().join("bundle dir");
    fs::write(&script, collect_script()).expect("the script is written");
    let output = Command::new("unshare")
        .args(["-n", "sh", "-c"])
        .arg(format!("{SETUP}\nsh \"$1\" \"$2\""))
        .arg("sh")
        .args([&script, &bundle])
        .output();
    let output = match output {
        Ok(output) => output,
        Err(e) => return println!("skipped: unshare: {e}"),
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("unshare failed")
        || output.status.code() == Some(77)
        || said.contains("not permitted")
    {
        return println!("skipped: no network namespace with iptables here: {said}");
    }
    assert!(output.status.success(), "{said}");
    let read = Bundle::read::<&OsStr>(bundle.as_os_str(), &[]).expect("it reads back");
    assert_eq!(read.line_errors, []);
    for kind in [
        SourceKind::Dump(Family::V4),
        SourceKind::Addresses,
        SourceKind::Routes(Family::V4),
        SourceKind::Routes(Family::V6),
        SourceKind::Rules(Family::V4),
        SourceKind::Rules(Family::V6),
        SourceKind::Sysctl,
    ] {
        assert!(read.source(kind).is_some(), "{kind} is missing: {said}");
    }
    let names: Vec<_> = read
        .interfaces
        .iter()
        .flatten()
        .map(|i| i.name.to_string())
        .collect();
    assert_eq!(names, ["lo", "peer0", "eth0"]);
    assert_eq!(read.rules_v4.as_ref().map(Vec::len), Some(4));
    assert_eq!(
        read.sysctls
            .as_ref()
            .and_then(|s| s.text("net.ipv4.ip_forward")),
        Some("1")
    );
    let (_, dump) = read.dump(Family::V4).expect("the dump");
    assert!(
        dump.text()
            .contains("-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT")
    );
    let left: Vec<_> = fs::read_dir(&bundle)
        .expect("the bundle")
        .filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|n| SourceKind::of_file_name(n).is_none())
        .collect();
    assert_eq!(left, Vec::<String>::new());
}
