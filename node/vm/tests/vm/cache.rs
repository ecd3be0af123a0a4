//! Compiled modules in files: used when they are whole, replaced when they are not.

use std::{fs, path::PathBuf, sync::Arc};

use crate::support::{module, succeeding};
use precinto_protocol::hash::sha256;
use precinto_vm::{Engine, LoadError, ModuleCache};

struct Fixture {
    folder: tempfile::TempDir,
    engine: Arc<Engine>,
    wasm: Vec<u8>,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture {
            folder: tempfile::tempdir().expect("a folder"),
            engine: Arc::new(Engine::new().expect("an engine")),
            wasm: succeeding("", "", ""),
        }
    }

    fn open(&self) -> ModuleCache {
        ModuleCache::open(Arc::clone(&self.engine), self.folder.path()).expect("a cache")
    }

    fn file(&self) -> PathBuf {
        let folder = self.folder.path().join(self.engine.fingerprint().to_hex());
        folder.join(sha256(&[&self.wasm]).to_hex())
    }
}

#[test]
fn a_module_is_kept_in_memory_and_in_a_file() {
    let fixture = Fixture::new();
    let cache = fixture.open();
    let code_hash = sha256(&[&fixture.wasm]);
    assert!(cache.get(&code_hash).is_none());
    let module = cache.load(&fixture.wasm).expect("compiles");
    assert_eq!(module.code_hash(), code_hash);
    assert!(Arc::ptr_eq(&module, &cache.load(&fixture.wasm).expect("in memory")));
    assert!(Arc::ptr_eq(&module, &cache.get(&code_hash).expect("in memory")));
    let files = fs::read_dir(fixture.file().parent().expect("a folder")).expect("readable");
    assert_eq!(files.count(), 1, "one file, nothing unfinished");
}

#[test]
fn a_file_is_used_without_compiling() {
    let fixture = Fixture::new();
    fixture.open().load(&fixture.wasm).expect("compiles");
    let written = fs::metadata(fixture.file()).and_then(|file| file.modified()).expect("a file");
    fixture.open().load(&fixture.wasm).expect("loads");
    let after = fs::metadata(fixture.file()).and_then(|file| file.modified()).expect("a file");
    assert_eq!(written, after);
}

#[test]
fn a_damaged_file_is_replaced() {
    let fixture = Fixture::new();
    fixture.open().load(&fixture.wasm).expect("compiles");
    let whole = fs::read(fixture.file()).expect("a file");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&b""[..], &whole[..31], &whole[..whole.len() - 1], &flipped] {
        fs::write(fixture.file(), damaged).expect("writable");
        fixture.open().load(&fixture.wasm).expect("compiles again");
        assert!(fs::read(fixture.file()).expect("a file") == whole, "{} bytes", damaged.len());
    }
    // Whole by its digest, yet no compiled code.
    let other = [&sha256(&[b"other"]).0[..], b"other"].concat();
    fs::write(fixture.file(), other).expect("writable");
    fixture.open().load(&fixture.wasm).expect("compiles again");
    assert!(fs::read(fixture.file()).expect("a file") == whole);
}

#[test]
fn a_module_that_is_not_admitted_leaves_no_file() {
    let fixture = Fixture::new();
    let cache = fixture.open();
    let start = module("(func $start) (start $start)", "i64.const 0");
    assert!(matches!(cache.load(&start), Err(LoadError::Admission(_))));
    let files = fs::read_dir(fixture.file().parent().expect("a folder")).expect("readable");
    assert_eq!(files.count(), 0);
}

#[test]
fn engines_on_one_machine_have_one_fingerprint() {
    let fingerprint = || Engine::new().expect("an engine").fingerprint();
    assert_eq!(fingerprint(), fingerprint());
}
