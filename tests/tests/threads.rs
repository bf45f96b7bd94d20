use crate::common::{SCENES, replay};

#[test]
fn every_format_is_the_same_at_any_number_of_threads() {
    for scene in SCENES {
        for format in ["text", "json", "packets", "counters", "conntrack"] {
            let run = |threads: &str| {
                replay(scene)
                    .args(["--format", format, "--threads", threads])
                    .stdout()
            };
            let one = run("1");
            for threads in ["2", "7"] {
                assert!(
                    run(threads) == one,
                    "{scene} as {format} with {threads} threads"
                );
            }
        }
    }
}
