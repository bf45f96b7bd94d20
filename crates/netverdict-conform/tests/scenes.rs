//! The fixture scenes: their bundles and captures through the kernel and the model.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::{Path, PathBuf};

use netverdict_bundle::{Bundle, Overrides, infer};
use netverdict_capture::{Captures, Input, expand};
use netverdict_conform::rig::Pace;
use netverdict_conform::{ConformError, conform};
use netverdict_engine::Config;
use netverdict_net::Family;
use netverdict_replay::{Setup, survey};

fn captures(scene: &Path) -> Captures {
    let folder = Input::of(scene.join("captures").as_os_str());
    let (inputs, _) = expand(&[folder]).unwrap();
    Captures::open(&inputs).unwrap()
}

fn setup(scene: &Path) -> Setup {
    let bundle = Bundle::read::<std::path::PathBuf>(scene.join("bundle").as_os_str(), &[]).unwrap();
    let parsed = bundle.parse_dumps();
    let found = Family::ALL
        .into_iter()
        .filter_map(|family| parsed.ruleset(family));
    let (dumps, rulesets): (Vec<_>, Vec<_>) = found.map(|(id, r)| (id, r.clone())).unzip();
    let (survey, _) = survey(captures(scene)).unwrap();
    let borrowed: Vec<_> = rulesets.iter().collect();
    let inferred = infer(&bundle, &borrowed, &survey, &Overrides::default()).unwrap();
    Setup {
        bundle,
        rulesets,
        dumps,
        sets: None,
        timeouts: None,
        fingerprints: None,
        inferred,
        config: Config::default(),
    }
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
