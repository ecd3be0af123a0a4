//! How calls end.

use crate::support::{
    FUEL, TestHost, call, compile, failure, input, module, module_with_imports, output, run,
    succeeding,
};
use precinto_protocol::{
    call::ContractOutput,
    cbor,
    hash::sha256,
    host::Refusal,
    keys::SigningKey,
    limits::{MAX_EVENT_BYTES, MAX_EVENTS, MAX_STATE_VALUE_BYTES},
    outcome::code,
};
use precinto_vm::{Engine, Entry, Failure, Fatal, TrapCode, limits};

const STATE: &str = r#"
    (import "precinto" "state_get" (func $get (param i32 i32) (result i32)))
    (import "precinto" "state_set" (func $set (param i32 i32 i32 i32)))
    (import "precinto" "take" (func $take (param i32)))"#;
const EMIT: &str = r#"(import "precinto" "emit" (func $emit (param i32 i32 i32 i32)))"#;
const ABORT: &str = r#"(import "precinto" "abort" (func $abort (param i32 i32 i32 i32)))"#;
const VERIFY: &str = r#"(import "precinto" "verify_signature"
    (func $verify (param i32 i32 i32 i32) (result i32)))"#;
const TAKE: &str = r#"(import "precinto" "take" (func $take (param i32)))"#;

/// The interface, version 1, as modules built for it import it. It only changes with the marker.
const INTERFACE: &str = r#"
    (import "precinto" "state_get" (func (param i32 i32) (result i32)))
    (import "precinto" "state_set" (func (param i32 i32 i32 i32)))
    (import "precinto" "state_remove" (func (param i32 i32)))
    (import "precinto" "state_scan" (func (param i32 i32 i32 i32 i32) (result i32)))
    (import "precinto" "log_append" (func (param i32 i32 i32 i32) (result i64)))
    (import "precinto" "log_read" (func (param i32 i32 i64) (result i32)))
    (import "precinto" "log_len" (func (param i32 i32) (result i64)))
    (import "precinto" "emit" (func (param i32 i32 i32 i32)))
    (import "precinto" "context" (func (result i32)))
    (import "precinto" "sha256" (func (param i32 i32 i32)))
    (import "precinto" "verify_signature" (func (param i32 i32 i32 i32) (result i32)))
    (import "precinto" "abort" (func (param i32 i32 i32 i32)))
    (import "precinto" "take" (func (param i32)))"#;

#[test]
fn the_interface_is_that_of_version_1() {
    assert_eq!(call(&succeeding(INTERFACE, "", ""), FUEL).output, Ok(Vec::new()));
}

#[test]
fn the_result_is_what_the_contract_returned() {
    let (data, result) = output(0, &cbor::encode(&ContractOutput::Ok(b"result".to_vec())));
    assert_eq!(call(&module(&data, &result), FUEL).output, Ok(b"result".to_vec()));
}

#[test]
fn the_contract_gets_method_and_arguments() {
    // Wraps the input, a CBOR array of two, as the result of an Ok: 82 00 81 44 (3 bytes).
    let wasm = module(
        r#"(data (i32.const 0) "\82\00\81\44")"#,
        "i32.const 4 local.get $input i32.load i32.store i64.const 8",
    );
    assert_eq!(call(&wasm, FUEL).output, Ok(cbor::encode(&input())));
}

#[test]
fn a_rejection_has_the_contracts_code_and_message() {
    let rejection = |code: &str, message: &str| {
        let output_bytes =
            cbor::encode(&ContractOutput::Rejected { code: code.into(), message: message.into() });
        let (data, result) = output(0, &output_bytes);
        failure(&module(&data, &result))
    };
    let expected = Failure::Rejected { code: "not-yours".into(), message: "No.".into() };
    assert_eq!(rejection("not-yours", "No."), expected);
    assert_eq!(expected.code(), "not-yours");
    for bad in ["", "Not-Yours", "not yours", &"a".repeat(65)] {
        assert_eq!(rejection(bad, ""), Failure::BadOutput, "{bad:?}");
    }
    let long = "\u{e9}".repeat(limits::MAX_MESSAGE_BYTES);
    match rejection("long", &long) {
        Failure::Rejected { message, .. } => assert_eq!(message.len(), limits::MAX_MESSAGE_BYTES),
        other => panic!("{other:?}"),
    }
}

#[test]
fn abort_ends_the_call_as_a_rejection() {
    let aborting = |code: &str| {
        module_with_imports(
            ABORT,
            &format!(r#"(data (i32.const 0) "{code}") (data (i32.const 100) "why")"#),
            "i32.const 0 i32.const 5 i32.const 100 i32.const 3 call $abort unreachable",
        )
    };
    let expected = Failure::Rejected { code: "panic".into(), message: "why".into() };
    assert_eq!(failure(&aborting("panic")), expected);
    assert_eq!(failure(&aborting(r"\ff\fe\00ab")), Failure::BadOutput);
}

#[test]
fn every_trap_has_its_code() {
    let table = "(type $t (func)) (func $other (param i32)) (table 2 funcref)
        (elem (i32.const 0) $other)";
    for (definitions, body, expected) in [
        ("", "unreachable", TrapCode::Unreachable),
        ("", "i64.const 1 i64.const 0 i64.div_u", TrapCode::IntegerDivisionByZero),
        ("", "i64.const 1 i64.const 0 i64.rem_s", TrapCode::IntegerDivisionByZero),
        ("", "i64.const 0x8000000000000000 i64.const -1 i64.div_s", TrapCode::IntegerOverflow),
        ("", "i32.const 65529 i64.load", TrapCode::MemoryOutOfBounds),
        ("", "i32.const -1 i64.load offset=4294967295", TrapCode::MemoryOutOfBounds),
        (table, "i32.const 2 call_indirect (type $t) i64.const 0", TrapCode::TableOutOfBounds),
        (table, "i32.const 1 call_indirect (type $t) i64.const 0", TrapCode::IndirectCallToNull),
        (table, "i32.const 0 call_indirect (type $t) i64.const 0", TrapCode::BadSignature),
    ] {
        let failure = failure(&module(definitions, body));
        assert_eq!(failure, Failure::Trapped(expected), "{body}");
        assert_eq!(failure.code(), code::CONTRACT_TRAPPED);
    }
}

#[test]
fn an_output_that_is_none_is_refused() {
    let ok = cbor::encode(&ContractOutput::Ok(b"x".to_vec()));
    let not_canonical = [0x82, 0x18, 0x00, 0x81, 0x41, 0x00];
    let trailing = [&ok[..], &[0]].concat();
    let bad_text = [0x82, 0x01, 0x82, 0x61, 0xff, 0x60];
    for bytes in [&b""[..], b"\xff", &not_canonical, &trailing, &bad_text] {
        let (data, result) = output(0, bytes);
        assert_eq!(failure(&module(&data, &result)), Failure::BadOutput, "{bytes:02x?}");
    }
    for outside in ["i64.const -1", "i64.const 0x0000fffe00000003", "i64.const 0x00000000ffffffff"]
    {
        assert_eq!(failure(&module("", outside)), Failure::BadOutput, "{outside}");
    }
}

#[test]
fn the_output_of_a_query_may_be_larger_than_that_of_a_call() {
    // The result's length, as the four bytes after the head of an Ok.
    let len = limits::MAX_CALL_OUTPUT_BYTES as u32;
    let (data, _) = output(0, &[&[0x82, 0x00, 0x81, 0x5a][..], &len.to_be_bytes()].concat());
    let total = u64::from(len) + 8;
    let wasm = module(&data, &format!("i32.const 1 memory.grow drop i64.const {total}"));
    assert_eq!(failure(&wasm), Failure::BadOutput);
    let result = run(&wasm, Entry::Query, FUEL, &mut TestHost::default()).expect("not fatal");
    assert_eq!(result.output.map(|result| result.len()), Ok(len as usize));
}

#[test]
fn an_allocation_outside_memory_traps() {
    let wasm = wat::parse_str(
        r#"(module
            (memory (export "memory") 1)
            (func (export "precinto_interface_1"))
            (func (export "alloc") (param i32) (result i32) i32.const -1)
            (func (export "call") (param i32 i32) (result i64) i64.const 0)
            (func (export "query") (param i32 i32) (result i64) i64.const 0))"#,
    );
    let failure = failure(&wasm.expect("valid text"));
    assert_eq!(failure, Failure::Trapped(TrapCode::MemoryOutOfBounds));
}

#[test]
fn memory_grows_to_its_limit_and_then_returns_minus_one() {
    let expecting = |pages: i64, expected: i64| {
        let body =
            format!("i32.const {pages} memory.grow i32.const {expected} i32.ne if unreachable end");
        succeeding("", "", &body)
    };
    let all = (limits::MAX_MEMORY_BYTES / limits::PAGE_BYTES) as i64;
    assert_eq!(call(&expecting(all - 1, 1), FUEL).output, Ok(Vec::new()));
    for pages in [all, 65_535, 65_536, -1] {
        assert_eq!(call(&expecting(pages, -1), 1 << 50).output, Ok(Vec::new()), "{pages}");
    }
}

#[test]
fn memory_is_zero_in_every_call() {
    let engine = Engine::new().expect("an engine");
    let (data, result) = crate::support::ok();
    let body = format!(
        "i32.const 1000 i32.load if unreachable end
        i32.const 1000 i32.const 1 i32.store
        i32.const 16 i32.load8_u i32.const 0x82 i32.ne if unreachable end
        {result}"
    );
    let module = compile(&engine, &module(&data, &body));
    for _ in 0..3 {
        let result = engine.call(&module, Entry::Call, &input(), FUEL, &mut TestHost::default());
        assert_eq!(result.expect("not fatal").output, Ok(Vec::new()));
    }
}

#[test]
fn state_is_read_and_written() {
    let wasm = succeeding(
        STATE,
        r#"(data (i32.const 200) "key") (data (i32.const 300) "value")"#,
        "i32.const 200 i32.const 3 call $get i32.const -1 i32.ne if unreachable end
        i32.const 200 i32.const 3 i32.const 300 i32.const 5 call $set
        i32.const 200 i32.const 3 call $get i32.const 5 i32.ne if unreachable end
        i32.const 400 call $take
        i32.const 400 i32.load8_u i32.const 118 i32.ne if unreachable end",
    );
    let mut host = TestHost::default();
    let result = run(&wasm, Entry::Call, FUEL, &mut host).expect("not fatal");
    assert_eq!(result.output, Ok(Vec::new()));
    assert_eq!(host.state.get(&b"key"[..]).map(Vec::as_slice), Some(&b"value"[..]));
    let result = run(&wasm, Entry::Query, FUEL, &mut TestHost::default()).expect("not fatal");
    assert_eq!(result.output, Err(Refusal::ReadOnly.into()));
}

#[test]
fn what_the_host_refuses_ends_the_call() {
    let setting = |key: &str, value_len: usize| {
        succeeding(
            STATE,
            &format!(r#"(data (i32.const 200) "{key}")"#),
            &format!(
                "i32.const 200 i32.const {} i32.const 0 i32.const {value_len} call $set",
                key.len()
            ),
        )
    };
    assert_eq!(call(&setting("key", MAX_STATE_VALUE_BYTES), FUEL).output, Ok(Vec::new()));
    assert_eq!(
        failure(&setting("key", MAX_STATE_VALUE_BYTES + 1)),
        Failure::Refused(Refusal::ValueTooLarge)
    );
    assert_eq!(failure(&setting("refuse", 0)), Failure::Refused(Refusal::KeyInvalid));
    let result = run(&setting("break", 0), Entry::Call, FUEL, &mut TestHost::default());
    assert_eq!(result, Err(Fatal("the disk is gone".into())));
}

#[test]
fn pointers_outside_memory_trap() {
    let outside = TrapCode::MemoryOutOfBounds;
    for (imports, body) in [
        (STATE, "i32.const 65530 i32.const 7 call $get drop"),
        (STATE, "i32.const -1 i32.const 2 call $get drop"),
        (STATE, "i32.const 0 i32.const 1 i32.const 65535 i32.const 2 call $set"),
        (EMIT, "i32.const -2 i32.const 1 i32.const 0 i32.const 0 call $emit"),
        (ABORT, "i32.const 0 i32.const 1 i32.const 65536 i32.const 1 call $abort"),
    ] {
        assert_eq!(failure(&succeeding(imports, "", body)), Failure::Trapped(outside), "{body}");
    }
    let digest = r#"(import "precinto" "sha256" (func $sha256 (param i32 i32 i32)))"#;
    let body = "i32.const 0 i32.const 1 i32.const 65505 call $sha256";
    assert_eq!(failure(&succeeding(digest, "", body)), Failure::Trapped(outside));
    let mut host = TestHost::default();
    host.state.insert(b"key".to_vec(), vec![1; 10]);
    let wasm = succeeding(
        STATE,
        r#"(data (i32.const 200) "key")"#,
        "i32.const 200 i32.const 3 call $get drop i32.const 65527 call $take",
    );
    let result = run(&wasm, Entry::Call, FUEL, &mut host).expect("not fatal");
    assert_eq!(result.output, Err(Failure::Trapped(outside)));
}

#[test]
fn an_absurd_length_costs_its_fuel_before_it_is_looked_at() {
    let body = "i32.const 0 i32.const -1 call $get drop";
    assert_eq!(failure(&succeeding(STATE, "", body)), Failure::OutOfFuel);
}

#[test]
fn only_what_a_host_call_yielded_can_be_taken_and_only_once() {
    assert_eq!(failure(&succeeding(TAKE, "", "i32.const 0 call $take")), Failure::NothingToTake);
    let mut host = TestHost::default();
    host.state.insert(Vec::new(), b"value".to_vec());
    let get = "i32.const 0 i32.const 0 call $get drop i32.const 0 call $take";
    let wasm = succeeding(STATE, "", &format!("{get} i32.const 0 call $take"));
    let result = run(&wasm, Entry::Call, FUEL, &mut host).expect("not fatal");
    assert_eq!(result.output, Err(Failure::NothingToTake));
}

#[test]
fn events_are_checked_and_counted() {
    let emitting = |topic: &str, len: usize, times: usize| {
        let topic_len = if topic.contains('\\') { topic.len() / 3 } else { topic.len() };
        let emit = format!(
            "i32.const 200 i32.const {topic_len} i32.const 1000 i32.const {len} call $emit\n"
        );
        succeeding(EMIT, &format!(r#"(data (i32.const 200) "{topic}")"#), &emit.repeat(times))
    };
    let mut host = TestHost::default();
    let wasm = emitting("operator.suspended", 3, MAX_EVENTS);
    let result = run(&wasm, Entry::Call, FUEL, &mut host).expect("not fatal");
    assert_eq!(result.output, Ok(Vec::new()));
    assert_eq!(host.events, vec![("operator.suspended".to_owned(), vec![0; 3]); MAX_EVENTS]);
    for (wasm, refusal) in [
        (emitting("t", 0, MAX_EVENTS + 1), Refusal::TooManyEvents),
        (emitting("t", MAX_EVENT_BYTES + 1, 1), Refusal::EventTooLarge),
        (emitting("", 0, 1), Refusal::TopicInvalid),
        (emitting("Topic", 0, 1), Refusal::TopicInvalid),
        (emitting(r"\ff\fe", 0, 1), Refusal::TopicInvalid),
    ] {
        assert_eq!(failure(&wasm), Failure::Refused(refusal));
    }
}

#[test]
fn the_digest_is_sha256() {
    let expected = sha256(&[b"abc"]).0;
    let first = u64::from_le_bytes(expected[..8].try_into().expect("eight bytes"));
    let wasm = succeeding(
        r#"(import "precinto" "sha256" (func $sha256 (param i32 i32 i32)))"#,
        r#"(data (i32.const 200) "abc")"#,
        &format!(
            "i32.const 200 i32.const 3 i32.const 300 call $sha256
            i32.const 300 i64.load i64.const {first} i64.ne if unreachable end"
        ),
    );
    assert_eq!(call(&wasm, FUEL).output, Ok(Vec::new()));
}

#[test]
fn a_signature_is_valid_for_its_key_and_message_alone() {
    let key = SigningKey::from_seed(&[5; 32]);
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("\\{b:02x}")).collect() };
    let verifies = |key: &[u8], message: &str, signature: &[u8], expected: u32| {
        let data = format!(r#"(data (i32.const 200) "{}{}{message}")"#, hex(key), hex(signature));
        let body = format!(
            "i32.const 200 i32.const 296 i32.const {} i32.const 232 call $verify
            i32.const {expected} i32.ne if unreachable end",
            message.len()
        );
        assert_eq!(call(&succeeding(VERIFY, &data, &body), FUEL).output, Ok(Vec::new()));
    };
    let (public, signature) = (key.public().to_bytes(), key.sign(b"abc"));
    verifies(&public, "abc", &signature, 1);
    verifies(&public, "abd", &signature, 0);
    verifies(&SigningKey::from_seed(&[6; 32]).public().to_bytes(), "abc", &signature, 0);
    verifies(&[0; 32], "abc", &signature, 0);
    let outside = "i32.const 0 i32.const 0 i32.const 1 i32.const 65500 call $verify drop";
    let trapped = Failure::Trapped(TrapCode::MemoryOutOfBounds);
    assert_eq!(failure(&succeeding(VERIFY, "", outside)), trapped);
}

#[test]
fn a_contract_without_a_migration_says_so() {
    let result = run(&succeeding("", "", ""), Entry::Migrate, FUEL, &mut TestHost::default());
    assert_eq!(result.expect("not fatal").output, Err(Failure::NoMigration));
}
