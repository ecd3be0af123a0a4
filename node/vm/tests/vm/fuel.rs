//! Fuel is exact: the same call uses the same amount everywhere.

use std::sync::Arc;

use crate::support::{FUEL, TestHost, call, compile, input, succeeding};
use precinto_vm::{Engine, Entry, Failure, ModuleCache};

const LOOP: &str = "(local $i i32)
    i32.const 100 local.set $i
    loop
        local.get $i i32.const 1 i32.sub local.tee $i
        br_if 0
    end";

/// The loop, its set-up, the call with its meter, the exports and the input: what this build of the
/// tables makes of it. A change is a new protocol version.
const LOOP_FUEL: u64 = 538;

#[test]
fn a_known_module_uses_a_known_amount() {
    assert_eq!(call(&succeeding("", "", LOOP), FUEL).fuel_used, LOOP_FUEL);
}

#[test]
fn one_unit_too_few_is_too_few() {
    let wasm = succeeding("", "", LOOP);
    let enough = call(&wasm, LOOP_FUEL);
    assert_eq!((enough.fuel_used, enough.output), (LOOP_FUEL, Ok(Vec::new())));
    for fuel in [0, 1, LOOP_FUEL / 2, LOOP_FUEL - 1] {
        let short = call(&wasm, fuel);
        assert_eq!((short.fuel_used, short.output), (fuel, Err(Failure::OutOfFuel)), "{fuel}");
    }
}

#[test]
fn an_endless_loop_ends() {
    let result = call(&succeeding("", "", "loop br 0 end"), FUEL);
    assert_eq!((result.fuel_used, result.output), (FUEL, Err(Failure::OutOfFuel)));
}

#[test]
fn data_segments_are_not_the_callers_to_pay() {
    let segment = format!(r#"(data (i32.const 4096) "{}")"#, "a".repeat(20_000));
    let with = call(&succeeding("", &segment, LOOP), FUEL);
    assert_eq!(with.fuel_used, LOOP_FUEL);
}

#[test]
fn compiled_loaded_and_repeated_calls_use_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Arc::new(Engine::new().expect("an engine"));
    let wasm = succeeding("", "", LOOP);
    let fresh = compile(&engine, &wasm);
    let cache = ModuleCache::open(Arc::clone(&engine), folder.path()).expect("a cache");
    cache.load(&wasm).expect("compiles");
    let again = ModuleCache::open(Arc::clone(&engine), folder.path()).expect("a cache");
    let loaded = again.load(&wasm).expect("loads");
    for module in [&fresh, &*loaded, &fresh, &*loaded] {
        let result = engine.call(module, Entry::Call, &input(), FUEL, &mut TestHost::default());
        assert_eq!(result.expect("not fatal").fuel_used, LOOP_FUEL);
    }
}

#[test]
fn host_calls_cost_what_the_table_says() {
    let imports = r#"(import "precinto" "sha256" (func $sha256 (param i32 i32 i32)))"#;
    let used = |len: u32| {
        let body = format!("i32.const 0 i32.const {len} i32.const 60000 call $sha256");
        call(&succeeding(imports, "", &body), FUEL).fuel_used
    };
    assert_eq!(used(1_000) - used(0), 1_000 * precinto_vm::fuel::HASH_PER_BYTE);
}

#[test]
fn growing_memory_costs_for_every_page() {
    let used = |pages: u32| {
        let body = format!("i32.const {pages} memory.grow drop");
        call(&succeeding("", "", &body), FUEL).fuel_used
    };
    assert_eq!(used(11) - used(1), 10 * u64::from(u8::MAX));
}
