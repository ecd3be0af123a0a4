//! The meter ends every recursion, with half of the native stack to spare, and changes nothing
//! else.

use std::fmt::Write as _;

use precinto_protocol::{
    call::{CallContext, ContractInput},
    host::StateItem,
};
use proptest::prelude::*;

use crate::{
    Engine, Entry, Failure, Host, HostError, admit,
    limits::{MAX_FRAME_SLOTS, MAX_PARAMS, NATIVE_STACK_BYTES},
};

/// More fuel than any recursion to the limit needs.
const FUEL: u64 = 100_000_000;

/// A contract whose `call` runs `body`, which leaves an i64, and succeeds.
fn contract(definitions: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 16) "\82\00\81\40")
            (func (export "precinto_interface_1"))
            (func (export "alloc") (param i32) (result i32) i32.const 64)
            (func (export "query") (param i32 i32) (result i64) i64.const 0)
            {definitions}
            (func (export "call") (param i32 i32) (result i64)
                {body} drop i64.const 0x1000000004))"#
    );
    wat::parse_str(text).expect("the text of a test's module")
}

/// Runs a module with half of the native stack that nodes have.
fn run(wasm: &[u8]) -> Result<Vec<u8>, Failure> {
    let engine = Engine::with_native_stack(NATIVE_STACK_BYTES / 2).expect("an engine");
    let module = engine.compile(&admit(wasm).expect("admitted")).expect("compiles");
    let input = ContractInput { method: "m".into(), args: Vec::new() };
    engine.call(&module, Entry::Call, &input, FUEL, &mut NoHost).expect("not fatal").output
}

#[track_caller]
fn assert_too_deep(definitions: &str, body: &str) {
    assert_eq!(run(&contract(definitions, body)), Err(Failure::DepthExceeded));
}

#[test]
fn the_smallest_frames_end_in_depth_exceeded() {
    assert_too_deep("(func $f (result i64) call $f)", "call $f");
    assert_too_deep("(func $f (result i64) call $g) (func $g (result i64) call $f)", "call $f");
    assert_too_deep(
        "(type $t (func (result i64))) (table 1 funcref) (elem (i32.const 0) $f)
        (func $f (result i64) i32.const 0 call_indirect (type $t))",
        "call $f",
    );
}

#[test]
fn frames_full_of_locals_end_in_depth_exceeded() {
    for locals in [1, 10, 100, 1_000, MAX_FRAME_SLOTS - 8] {
        // Every local lives across the call: loaded before, added after.
        let mut function =
            format!("(func $f (result i64) {}", "(local i64) ".repeat(locals as usize));
        for local in 0..locals {
            let _ =
                writeln!(function, "i32.const {} i64.load local.set {local}", local % 8_000 * 8);
        }
        function.push_str("call $f\n");
        for local in 0..locals {
            let _ = writeln!(function, "local.get {local} i64.add");
        }
        function.push(')');
        assert_too_deep(&function, "call $f");
    }
}

#[test]
fn frames_full_of_operands_end_in_depth_exceeded() {
    for operands in [10, 100, 1_000, MAX_FRAME_SLOTS - 8] {
        let mut function = String::from("(func $f (result i64)\n");
        for operand in 0..operands {
            let _ = writeln!(function, "i32.const {} i64.load", operand % 8_000 * 8);
        }
        function.push_str("call $f\n");
        function.push_str(&"i64.add\n".repeat(operands as usize));
        function.push(')');
        assert_too_deep(&function, "call $f");
    }
}

#[test]
fn frames_full_of_arguments_end_in_depth_exceeded() {
    let params = "(param i64) ".repeat(MAX_PARAMS);
    let arguments: String =
        (0..MAX_PARAMS).map(|at| format!("local.get {at} i64.const 1 i64.add ")).collect();
    let sum: String = (0..MAX_PARAMS).map(|at| format!("local.get {at} i64.add ")).collect();
    let function = format!("(func $f {params} (result i64) {arguments} call $f {sum})");
    let body = format!("{} call $f", "i64.const 0 ".repeat(MAX_PARAMS));
    assert_too_deep(&function, &body);
}

#[test]
fn frames_full_of_merges_end_in_depth_exceeded() {
    // Each block writes every local on one of two ways, so that the compiler merges all of them.
    let locals = 100;
    let mut function = format!("(func $f (result i64) {}", "(local i64) ".repeat(locals));
    for block in 0..40 {
        let _ = writeln!(function, "i32.const {} i32.load if", block * 8);
        for local in 0..locals {
            let _ = writeln!(
                function,
                "local.get {local} i64.const {} i64.mul local.set {}",
                block + 3,
                (local + 7) % locals
            );
        }
        function.push_str("else call $f local.set 3 end\n");
    }
    for local in 0..locals {
        let _ = writeln!(function, "local.get {local} i64.const 1 i64.add local.set {local}");
    }
    function.push_str("call $f\n");
    for local in 0..locals {
        let _ = writeln!(function, "local.get {local} i64.add");
    }
    function.push(')');
    assert_too_deep(&function, "call $f");
}

#[test]
fn returning_gives_the_stack_back() {
    // Many times deeper in sum than the limit, but never deep.
    let function = "(func $leaf (param i64) (result i64)
            local.get 0 i64.eqz if i64.const 1 return end
            block loop local.get 0 br_if_zero br 1 end end
            i64.const 2)";
    let function = function.replace("br_if_zero", "i64.eqz br_if 0");
    let body = "(local $i i32) i32.const 100000 local.set $i
        loop
            local.get $i i64.extend_i32_u i64.const 1 i64.and call $leaf drop
            local.get $i i32.const 1 i32.sub local.tee $i br_if 0
        end
        i64.const 0";
    assert_eq!(run(&contract(&function, body)), Ok(Vec::new()));
}

/// A body's result for an argument, as the text says it is.
#[track_caller]
fn assert_result(body: &str, argument: i64, expected: i64) {
    let function = format!("(func $f (param $x i64) (result i64) {body})");
    let check = format!(
        "i64.const {argument} call $f i64.const {expected} i64.ne if unreachable end i64.const 0"
    );
    assert_eq!(run(&contract(&function, &check)), Ok(Vec::new()), "{argument}");
}

#[test]
fn every_way_out_of_a_function_keeps_its_meaning() {
    let nested = "block (result i64)
            loop
                local.get $x i64.const 1 i64.sub local.tee $x i64.const 5 i64.eq
                if i64.const 99 i64.const 50 return end
                local.get $x i64.const 0 i64.gt_s br_if 0
            end
            i64.const 7
        end
        i64.const 1 i64.add";
    assert_result(nested, 10, 50);
    assert_result(nested, 3, 8);
    // Branches to the function's own label, with a value, from within and without a block.
    let branch = "block i64.const 1 local.get $x i32.wrap_i64 br_if 1 drop end i64.const 2 br 0";
    assert_result(branch, 1, 1);
    assert_result(branch, 0, 2);
    let table = "block block block
            local.get $x i32.wrap_i64 br_table 0 1 2
        end i64.const 10 return end i64.const 20 return end i64.const 30";
    assert_result(table, 0, 10);
    assert_result(table, 1, 20);
    assert_result(table, 7, 30);
    let arms = "local.get $x i64.eqz if (result i64) i64.const 4 return else i64.const 6 end";
    assert_result(arms, 0, 4);
    assert_result(arms, 1, 6);
}

/// Statements of a random function that calls itself. Locals are i64, numbered below `LOCALS`.
const LOCALS: usize = 60;

fn statements() -> impl Strategy<Value = String> {
    let local = 0..LOCALS;
    let leaf = prop_oneof![
        (local.clone(), local.clone(), local.clone())
            .prop_map(|(a, b, c)| format!("local.get {a} local.get {b} i64.add local.set {c}\n")),
        (local.clone(), 0..8_000_u32)
            .prop_map(|(a, at)| format!("i32.const {at} i64.load local.set {a}\n")),
        local.clone().prop_map(|a| format!("call $f local.set {a}\n")),
        (local.clone(), local.clone(), local.clone()).prop_map(|(a, b, c)| {
            format!("local.get {a} local.get {b} call $f i64.xor i64.mul local.set {c}\n")
        }),
    ];
    leaf.prop_recursive(5, 200, 12, move |inner| {
        let block = prop::collection::vec(inner, 1..12).prop_map(|all| all.concat());
        prop_oneof![
            block.clone(),
            (0..LOCALS, block.clone(), block.clone())
                .prop_map(|(a, yes, no)| format!("local.get {a} i64.eqz if\n{yes}else\n{no}end\n")),
            // Runs at most twice: the condition's local becomes one.
            (0..LOCALS, block).prop_map(|(a, body)| format!(
                "block loop local.get {a} i64.const 1 i64.eq br_if 1
                {body} i64.const 1 local.set {a} br 0 end end\n"
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_function_exhausts_the_native_stack(body in statements()) {
        let sum: String = (0..LOCALS).map(|at| format!("local.get {at} i64.add ")).collect();
        let locals = "(local i64) ".repeat(LOCALS);
        let function = format!("(func $f (result i64) {locals} {body} call $f {sum})");
        // What matters is that `run` does not panic: a fatal error would be the native stack's.
        prop_assert_ne!(run(&contract(&function, "call $f")), Ok(Vec::new()));
    }
}

/// The modules of these tests import nothing.
struct NoHost;

const UNUSED: &str = "no import, no call of the host";

impl Host for NoHost {
    fn context(&self) -> &CallContext {
        unreachable!("{UNUSED}")
    }

    fn state_get(&mut self, _: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        unreachable!("{UNUSED}")
    }

    fn state_set(&mut self, _: &[u8], _: &[u8]) -> Result<(), HostError> {
        unreachable!("{UNUSED}")
    }

    fn state_remove(&mut self, _: &[u8]) -> Result<(), HostError> {
        unreachable!("{UNUSED}")
    }

    fn state_scan(&mut self, _: &[u8], _: &[u8], _: u32) -> Result<Vec<StateItem>, HostError> {
        unreachable!("{UNUSED}")
    }

    fn log_append(&mut self, _: &[u8], _: &[u8]) -> Result<u64, HostError> {
        unreachable!("{UNUSED}")
    }

    fn log_read(&mut self, _: &[u8], _: u64) -> Result<Option<Vec<u8>>, HostError> {
        unreachable!("{UNUSED}")
    }

    fn log_len(&mut self, _: &[u8]) -> Result<u64, HostError> {
        unreachable!("{UNUSED}")
    }

    fn emit(&mut self, _: &str, _: &[u8]) -> Result<(), HostError> {
        unreachable!("{UNUSED}")
    }
}
