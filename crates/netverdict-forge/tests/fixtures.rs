//! The fixtures in the repository are what the generator writes, no more and no less.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

#[test]
fn every_scene_is_written_as_the_generator_makes_it() {
    for scene in netverdict_forge::scene::all() {
        for (path, bytes) in netverdict_forge::scene::files(&scene).unwrap() {
            let file = root().join(scene.name).join(&path);
            let found = std::fs::read(&file).unwrap_or_default();
            assert!(
                found == bytes,
                "{}/{path} differs: run `just fixtures`",
                scene.name
            );
        }
    }
}

#[test]
fn no_scene_folder_is_left_behind() {
    for scene in netverdict_forge::scene::all() {
        let expected: BTreeSet<PathBuf> = netverdict_forge::scene::files(&scene)
            .unwrap()
            .into_iter()
            .map(|(path, _)| root().join(scene.name).join(path))
            .collect();
        let mut found = BTreeSet::new();
        collect(&root().join(scene.name), &mut found);
        assert_eq!(found, expected, "{}", scene.name);
    }
}

#[test]
fn every_pair_is_written_as_the_generator_makes_it() {
    for pair in &netverdict_forge::pair::ALL {
        let folder = root().join("pairs").join(pair.name);
        let mut expected = BTreeSet::new();
        for (path, bytes) in pair.files().unwrap() {
            let file = folder.join(&path);
            let found = std::fs::read(&file).unwrap_or_default();
            assert!(
                found == bytes,
                "pairs/{}/{path} differs: run `just fixtures`",
                pair.name
            );
            expected.insert(file);
        }
        let mut found = BTreeSet::new();
        collect(&folder, &mut found);
        assert_eq!(found, expected, "{}", pair.name);
    }
}

fn collect(folder: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            into.insert(path);
        }
    }
}
