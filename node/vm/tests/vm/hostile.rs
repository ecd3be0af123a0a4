//! Modules that mean harm (`tests/hostile/*.wat`): each ends as its first line says, compiled just
//! now or read from a file.
//!
//! The texts are WAT with a few words in double braces: `{{exports}}` is the interface but `call`,
//! `{{ok}}` returns the output `Ok`, and `{{3*text # }}` repeats a text that many times, with the
//! number of the repetition for `#`.

use std::{fs, path::Path, sync::Arc};

use crate::support::{TestHost, input};
use precinto_protocol::limits::CALL_FUEL;
use precinto_vm::{AdmissionError, Engine, Entry, Failure, Module, ModuleCache, TrapCode, admit};

const EXPORTS: &str = r#"
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 32768))
    (data (i32.const 16) "\82\00\81\40")
    (func (export "precinto_interface_1"))
    (func (export "alloc") (param i32) (result i32)
        global.get $free
        global.get $free
        local.get 0
        i32.add
        global.set $free)
    (func (export "query") (param i32 i32) (result i64)
        local.get 0
        local.get 1
        call $call)"#;

/// The output `Ok` at offset 16, four bytes long.
const OK: &str = "i64.const 0x0000001000000004";

#[test]
fn every_hostile_module_ends_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let engine = Arc::new(Engine::new().expect("an engine"));
    let mut wrong = Vec::new();
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the folder of the modules") {
        let path = entry.expect("readable").path();
        let text = fs::read_to_string(&path).expect("readable");
        // Shown with a failure, or when one takes for ever.
        eprintln!("{}", path.display());
        let expected = text.lines().next().and_then(|line| line.strip_prefix(";; "));
        let found = verdict(&engine, &assembled(&text));
        if Some(&found[..]) != expected {
            wrong.push(format!("{}: {found}", path.display()));
        }
        files += 1;
    }
    assert!(files > 80, "the modules are not where this test looks");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn assembled(text: &str) -> Vec<u8> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (word, after) = after.split_once("}}").expect("braces are closed");
        whole.push_str(before);
        match word.split_once('*') {
            Some((times, part)) => {
                let times: usize = times.parse().expect("a number of times");
                (0..times).for_each(|i| whole.push_str(&part.replace('#', &i.to_string())));
            }
            None if word == "exports" => whole.push_str(EXPORTS),
            None if word == "ok" => whole.push_str(OK),
            None => panic!("no such word: {word}"),
        }
        rest = after;
    }
    whole.push_str(rest);
    wat::parse_str(&whole).unwrap_or_else(|error| panic!("{error}"))
}

/// What becomes of a module, in the words of the files' first lines.
fn verdict(engine: &Arc<Engine>, wasm: &[u8]) -> String {
    if let Err(error) = admit(wasm) {
        return refusal(&error);
    }
    let files = tempfile::tempdir().expect("a folder");
    let load = || {
        let cache = ModuleCache::open(Arc::clone(engine), files.path()).expect("a cache");
        cache.load(wasm).expect("what is admitted compiles")
    };
    let (compiled, read) = (load(), load());
    let first = outcome(engine, &compiled);
    for module in [&read, &compiled] {
        assert_eq!(outcome(engine, module), first, "the same every time");
    }
    first
}

fn outcome(engine: &Engine, module: &Module) -> String {
    let mut host = TestHost::default();
    let result = engine.call(module, Entry::Call, &input(), CALL_FUEL, &mut host);
    match result.expect("no module stops the node").output {
        Ok(_) => "ok".into(),
        Err(Failure::Trapped(trap)) => format!("trap: {}", name(trap)),
        Err(Failure::Rejected { code, .. }) => format!("rejected: {code}"),
        Err(failure) => failure.code().into(),
    }
}

fn refusal(error: &AdmissionError) -> String {
    match error {
        AdmissionError::Invalid(_) => "invalid".into(),
        AdmissionError::TooMany { what, .. } => format!("too-many: {what}"),
        AdmissionError::Import { .. } => "import".into(),
        AdmissionError::Export(name) => format!("export: {name}"),
        AdmissionError::ReservedExport => "reserved-export".into(),
        AdmissionError::StartFunction => "start-function".into(),
        AdmissionError::SegmentOutOfBounds => "segment-out-of-bounds".into(),
    }
}

fn name(trap: TrapCode) -> &'static str {
    match trap {
        TrapCode::MemoryOutOfBounds => "memory-out-of-bounds",
        TrapCode::TableOutOfBounds => "table-out-of-bounds",
        TrapCode::IndirectCallToNull => "indirect-call-to-null",
        TrapCode::BadSignature => "bad-signature",
        TrapCode::IntegerOverflow => "integer-overflow",
        TrapCode::IntegerDivisionByZero => "integer-division-by-zero",
        TrapCode::Unreachable => "unreachable",
    }
}
