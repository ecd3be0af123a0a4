//! Whatever is admitted compiles, and no call of it is fatal.

use crate::support::{TestHost, input, succeeding};
use precinto_vm::{Engine, Entry, admit};
use proptest::prelude::*;

/// A module with something of everything: imports, a table, globals, blocks, memory, recursion.
fn contract() -> Vec<u8> {
    succeeding(
        r#"(import "precinto" "state_get" (func $get (param i32 i32) (result i32)))
        (import "precinto" "state_set" (func $set (param i32 i32 i32 i32)))
        (import "precinto" "log_append" (func $append (param i32 i32 i32 i32) (result i64)))
        (import "precinto" "take" (func $take (param i32)))"#,
        r#"(type $unary (func (param i64) (result i64)))
        (table 3 funcref) (elem (i32.const 1) $double $sum)
        (global $calls (mut i64) (i64.const 0)) (global $two i64 (i64.const 2))
        (func $double (param i64) (result i64) local.get 0 global.get $two i64.mul)
        (func $sum (param i64) (result i64)
            global.get $calls i64.const 1 i64.add global.set $calls
            local.get 0 i64.eqz if i64.const 0 return end
            local.get 0 i64.const 1 i64.sub call $sum local.get 0 i64.add)"#,
        "(local $i i32)
        i32.const 10 local.set $i
        block loop
            local.get $i i32.eqz br_if 1
            local.get $i local.get $i i32.store offset=100
            i64.const 5 i32.const 1 call_indirect (type $unary) drop
            i64.const 5 i32.const 2 call_indirect (type $unary) drop
            i32.const 100 local.get $i i32.const 100 i32.const 8 call $set
            i32.const 100 local.get $i call $get i32.const 0 i32.gt_s
            if i32.const 3000 call $take end
            i32.const 200 local.get $i i32.const 0 i32.const 4 call $append drop
            i32.const 1 memory.grow drop
            local.get $i i32.const 1 i32.sub local.set $i
            br 0
        end end",
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_mutated_module_is_refused_or_runs_to_an_outcome(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        thread_local!(static ENGINE: Engine = Engine::new().expect("an engine"));
        let mut wasm = contract();
        for (at, byte) in changes {
            let at = at.index(wasm.len());
            wasm[at] = byte;
        }
        if let Ok(admitted) = admit(&wasm) {
            ENGINE.with(|engine| {
                let module = engine.compile(&admitted).expect("what is admitted compiles");
                let call = || {
                    let mut host = TestHost::default();
                    engine.call(&module, Entry::Call, &input(), 2_000_000, &mut host)
                };
                let first = call().expect("no call is fatal");
                assert_eq!(call().expect("no call is fatal"), first, "twice the same");
            });
        }
    }
}
