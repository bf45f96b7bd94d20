use std::fs;

use crate::common::{Netverdict, root};

/// A bundle with a listing of connections and sets beside the dump.
fn bundle(dump: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("iptables-save"), dump).unwrap();
    let addresses = root().join("fixtures/single-server/bundle/ip-addr.json");
    fs::copy(addresses, folder.path().join("ip-addr.json")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn send(folder: &tempfile::TempDir, packet: &str) -> serde_json::Value {
    let run = Netverdict::new(["trace".as_ref(), folder.path().as_os_str()]);
    let document = run.args(["--send", packet, "--format", "json"]).json();
    document["packets"][0].clone()
}

#[test]
fn connections_that_existed_are_established() {
    let dump = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n";
    let packet = "in eth0 tcp 192.0.2.9:4000 > 203.0.113.10:22 ack seq=100 ack-seq=200";
    let listed = "ipv4     2 tcp      6 431999 ESTABLISHED src=192.0.2.9 dst=203.0.113.10 sport=4000 dport=22 src=203.0.113.10 dst=192.0.2.9 sport=22 dport=4000 [ASSURED] mark=0 use=1\n";
    let known = send(&bundle(dump, &[("conntrack", listed)]), packet);
    assert_eq!(
        (&known["state"], &known["verdict"]),
        (&"ESTABLISHED".into(), &"ACCEPT".into())
    );
    let unknown = send(&bundle(dump, &[]), packet);
    assert_eq!(
        (&unknown["state"], &unknown["verdict"]),
        (&"NEW".into(), &"DROP".into())
    );
}

#[test]
fn sets_that_are_given_decide() {
    let dump = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -m set --match-set bad src -j DROP\nCOMMIT\n";
    let packet = "in eth0 udp 192.0.2.9:4000 > 203.0.113.10:53";
    let set = "create bad hash:net family inet hashsize 1024 maxelem 65536\nadd bad 192.0.2.0/24\n";
    assert_eq!(
        send(&bundle(dump, &[("ipset-save", set)]), packet)["verdict"],
        "DROP"
    );
    assert_eq!(send(&bundle(dump, &[]), packet)["verdict"], "UNKNOWN");
}

/// A SYN sent here has no options, 40 bytes and a TTL of 64.
#[test]
fn fingerprints_that_are_given_decide() {
    let dump = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m osf --genre Bare -j DROP\nCOMMIT\n";
    let packet = "in eth0 tcp 192.0.2.9:4000 > 203.0.113.10:80 syn";
    let verdict = |files: &[(&str, &str)]| send(&bundle(dump, files), packet)["verdict"].clone();
    assert_eq!(
        verdict(&[("pf.os", "*:64:1:40:.:Bare:::\n*:64:0:40:.:Bare:::\n")]),
        "DROP"
    );
    assert_eq!(verdict(&[("pf.os", "*:64:1:60:.:Bare:::\n")]), "ACCEPT");
    assert_eq!(verdict(&[]), "UNKNOWN");
    let folder = bundle(dump, &[("pf.os", "*:64:1:40:Bare\n")]);
    let run = Netverdict::new(["trace".as_ref(), folder.path().as_os_str()]);
    let refused = run.args(["--send", packet]).code(2).stderr();
    assert!(refused.contains("a fingerprint of 5 fields"), "{refused}");
}

#[test]
fn helpers_that_are_not_modelled_are_named() {
    let dump = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -p udp -m udp -j CT --helper mdns\nCOMMIT\n";
    let listed = "ipv4     2 udp      17 29 src=192.0.2.9 dst=203.0.113.10 sport=4000 dport=1719 src=203.0.113.10 dst=192.0.2.9 sport=1719 dport=4000 mark=0 helper=mdns use=1\n";
    let folder = bundle(dump, &[("conntrack", listed)]);
    let captures = root().join("fixtures/single-server/captures");
    let run = Netverdict::new(["replay".as_ref(), folder.path().as_os_str()]);
    let document = run
        .args([captures.as_os_str()])
        .args(["--format", "json"])
        .json();
    let text = document.to_string();
    assert!(text.contains("CT: the helper is not modelled"), "{text}");
    assert!(
        text.contains("conntrack line 1: helper `mdns` is not modelled"),
        "{text}"
    );
    let run = Netverdict::new(["trace".as_ref(), folder.path().as_os_str()]);
    let packet = "in eth0 udp 192.0.2.9:4001 > 203.0.113.10:1719";
    let traced = run.args(["--send", packet, "--format", "json"]).json();
    assert!(
        traced.to_string().contains("helper `mdns` is not modelled"),
        "{traced}"
    );
}
