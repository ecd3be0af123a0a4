//! The corpus as tests: what was found once stays found.
#![allow(clippy::print_stderr, reason = "a failure names the file")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use precinto_fuzzing::{TARGETS, run};

/// Bytes of all files together: a clone stays small, and the tests quick.
const MOST_BYTES: u64 = 1024 * 1024;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    entries.map(|entry| stem(entry.unwrap().path())).collect()
}

/// Runs every file of a target's corpus; a failure names the file.
fn corpus_of(target: &str) {
    let folder = fuzz().join("corpus").join(target);
    let mut files = 0;
    for name in names(&folder) {
        let bytes = fs::read(folder.join(&name)).unwrap();
        eprintln!("{target}/{name}");
        run(target, &bytes);
        files += 1;
    }
    assert!(files > 0, "{target} has no corpus");
}

macro_rules! each_target {
    ($($target:ident),+ $(,)?) => {
        $(#[test] fn $target() { corpus_of(stringify!($target)); })+

        #[test]
        fn every_target_has_its_program_its_corpus_and_its_test() {
            let targets: BTreeSet<String> =
                TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
            let mut programs = names(&fuzz().join("fuzz_targets"));
            // Feeds another target with what it generates.
            programs.remove("module_shapes");
            assert_eq!(targets, programs);
            assert_eq!(targets, names(&fuzz().join("corpus")));
            assert_eq!(targets, BTreeSet::from([$(stringify!($target).to_owned()),+]));
        }
    };
}

each_target!(
    transaction,
    block,
    leaf,
    registry,
    checkpoint,
    contract_messages,
    policy,
    log_proof,
    state_proof,
    raft_message,
    frames,
    snapshot,
    module,
    aeo,
    governance,
    probe,
);

#[test]
fn the_corpus_is_small() {
    let folders = fs::read_dir(fuzz().join("corpus")).unwrap();
    let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes <= MOST_BYTES, "{bytes} bytes");
}
