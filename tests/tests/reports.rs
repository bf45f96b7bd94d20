use crate::common::{SCENES, replay};

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
