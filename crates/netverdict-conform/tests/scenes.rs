//! The fixture scenes: their bundles and captures through the kernel and the model.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "given/capture.rs"]
mod capture;
#[path = "given/host.rs"]
mod given;

use std::path::{Path, PathBuf};

use netverdict_bundle::{Overrides, infer};
use netverdict_capture::Captures;
use netverdict_conform::rig::Pace;
use netverdict_conform::{ConformError, conform};
use netverdict_engine::Config;
use netverdict_replay::{Setup, survey};

fn captures(scene: &Path) -> Captures {
    capture::open(&scene.join("captures")).unwrap()
}

fn setup(scene: &Path) -> Setup {
    let (survey, _) = survey(captures(scene)).unwrap();
    given::host(&scene.join("bundle"), Config::default(), |bundle, rules| {
        infer(bundle, rules, &survey, &Overrides::default()).unwrap()
    })
}

#[test]
fn scenes_count_as_in_the_kernel() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let entries = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path());
    let mut scenes: Vec<PathBuf> = entries.filter(|p| p.join("captures").is_dir()).collect();
    scenes.sort();
    let mut differing = Vec::new();
    for scene in scenes {
        let setup = setup(&scene);
        let conformed = match conform(&setup, captures(&scene), Pace::Fast) {
            Err(ConformError::Rig(error)) if error.is_missing() => {
                eprintln!("SKIPPED: {error}");
                return;
            }
            other => other.unwrap(),
        };
        let compared = &conformed.compared;
        eprintln!(
            "{}: {} packets, {} left out, {} differences, unset {:?}",
            scene.display(),
            conformed.positions.len(),
            conformed.left_out.len(),
            compared.differences.len(),
            compared.kernel.unset_sysctls
        );
        for difference in compared.differences.iter().take(12) {
            eprintln!("  {difference}");
        }
        if !compared.differences.is_empty() && conformed.chance.is_empty() {
            differing.push(scene);
        }
    }
    assert!(differing.is_empty(), "scenes that differ: {differing:?}");
}
