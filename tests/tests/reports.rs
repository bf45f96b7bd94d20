use serde_json::Value;

use crate::common::{Netverdict, SCENES, replay};

#[test]
fn every_scene_has_its_reviewed_report() {
    for scene in SCENES {
        insta::assert_snapshot!(format!("text_{scene}"), replay(scene).stdout());
    }
}

#[test]
fn markdown_of_a_scene_is_the_reviewed_one() {
    insta::assert_snapshot!(
        replay("home-router")
            .args(["--format", "markdown"])
            .stdout()
    );
}

#[test]
fn colours_are_drawn_when_asked_for() {
    let coloured = replay("single-server").args(["--color", "always"]).stdout();
    assert!(coloured.contains("\u{1b}[31mDROP"));
    assert!(!replay("single-server").stdout().contains('\u{1b}'));
}

/// Captures replayed apart are surveyed before, others while they are replayed. What is taken for granted is the same, and
/// depends on what they show.
#[test]
fn assumptions_are_the_same_whenever_captures_are_surveyed() {
    let assumptions = |scene: &str, captures: &str, more: &[&str]| {
        let (bundle, captures) = (
            format!("fixtures/{scene}/bundle"),
            format!("fixtures/{captures}/captures"),
        );
        let args = ["replay", &bundle, &captures, "--format", "json"];
        let report = Netverdict::new(args).args(more).stdout();
        let report: Value = serde_json::from_str(&report).expect("a report");
        report["assumptions"].clone()
    };
    for scene in SCENES {
        for captures in SCENES {
            let meanwhile = assumptions(scene, captures, &[]);
            let before = assumptions(scene, captures, &["--separate"]);
            assert_eq!(meanwhile, before, "{captures} on {scene}");
        }
    }
    let tells_of_ipv6 = |captures: &str| {
        let assumptions = assumptions("single-server", captures, &[]).to_string();
        assumptions.contains("there are no ipv6 rules")
    };
    assert!(tells_of_ipv6("ipv6-host"));
    assert!(!tells_of_ipv6("single-server"));
}
