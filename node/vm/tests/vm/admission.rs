//! Which modules are refused, and for what.

use crate::support::{module, module_with_imports, ok, succeeding};
use precinto_vm::{AdmissionError, admit, limits};

fn refused(wasm: &[u8]) -> AdmissionError {
    admit(wasm).expect_err("refused")
}

fn text(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).expect("the text of a test's module")
}

#[track_caller]
fn assert_invalid(wasm: &[u8]) {
    assert!(matches!(refused(wasm), AdmissionError::Invalid(_)), "{:?}", refused(wasm));
}

#[test]
fn a_contract_is_admitted_under_the_hash_of_its_bytes() {
    let wasm = succeeding("", "", "");
    let admitted = admit(&wasm).expect("admitted");
    assert_eq!(admitted.code_hash(), precinto_protocol::hash::sha256(&[&wasm]));
}

#[test]
fn bytes_that_are_no_module_are_refused() {
    assert_invalid(b"");
    assert_invalid(b"\0asm\x01\0\0\0\xff");
    // Without names and data: a module cut between two sections at its end would be whole.
    let wasm = text(
        r#"(module
            (memory (export "memory") 1)
            (func (export "precinto_interface_1"))
            (func (export "alloc") (param i32) (result i32) i32.const 0)
            (func (export "call") (param i32 i32) (result i64) i64.const 0)
            (func (export "query") (param i32 i32) (result i64) i64.const 0))"#,
    );
    admit(&wasm).expect("admitted");
    for cut in 0..wasm.len() {
        admit(&wasm[..cut]).expect_err("a cut module");
    }
}

#[test]
fn later_features_are_refused() {
    let body = |instructions: &str| module("", &format!("{instructions} i64.const 0"));
    assert_invalid(&body("f32.const 1 drop"));
    assert_invalid(&body("f64.const 1 drop"));
    assert_invalid(&body("i32.const 0 f32.load drop"));
    assert_invalid(&module("(global f64 (f64.const 0))", "i64.const 0"));
    assert_invalid(&module("(func (param f32))", "i64.const 0"));
    assert_invalid(&body("v128.const i64x2 0 0 drop"));
    assert_invalid(&body("i32.const 0 i32.const 0 i32.const 0 memory.copy"));
    assert_invalid(&body("i32.const 0 i32.const 0 i32.const 0 memory.fill"));
    assert_invalid(&body("ref.null func drop"));
    assert_invalid(&body("i32.const 0 i32.const 0 i32.atomic.rmw.add drop"));
    assert_invalid(&module("(memory 1)", "i64.const 0"));
    assert_invalid(&module("(func (result i32 i32) i32.const 0 i32.const 0)", "i64.const 0"));
    assert_invalid(&module("(func $f return_call $f)", "i64.const 0"));
    assert_invalid(&module("(tag)", "i64.const 0"));
    assert_invalid(&text(r#"(module (memory (export "memory") i64 1))"#));
    assert_invalid(&text(r#"(module (memory (export "memory") 1 1 shared))"#));
    assert_invalid(&text("(component)"));
}

#[test]
fn sign_extension_is_admitted() {
    admit(&module("", "i64.const 1 i64.extend8_s")).expect("admitted");
}

#[test]
fn only_the_interface_can_be_imported() {
    let import = |import: &str| module_with_imports(import, "", "i64.const 0");
    let error = |module: &str, name: &str| AdmissionError::Import {
        module: module.into(),
        name: name.into(),
    };
    assert_eq!(
        refused(&import(r#"(import "env" "take" (func (param i32)))"#)),
        error("env", "take")
    );
    assert_eq!(
        refused(&import(r#"(import "precinto" "clock" (func (result i64)))"#)),
        error("precinto", "clock")
    );
    let wrong_type = r#"(import "precinto" "take" (func (param i64)))"#;
    assert_eq!(refused(&import(wrong_type)), error("precinto", "take"));
    let global = r#"(import "precinto" "take" (global i32))"#;
    assert_eq!(refused(&import(global)), error("precinto", "take"));
    admit(&import(r#"(import "precinto" "take" (func (param i32)))"#)).expect("admitted");
}

#[test]
fn the_exports_of_the_interface_are_required() {
    let whole = r#"
        (memory (export "memory") 1)
        (func (export "precinto_interface_1"))
        (func (export "alloc") (param i32) (result i32) i32.const 0)
        (func (export "call") (param i32 i32) (result i64) i64.const 0)
        (func (export "query") (param i32 i32) (result i64) i64.const 0)"#;
    admit(&text(&format!("(module {whole})"))).expect("admitted");
    for name in ["memory", "precinto_interface_1", "alloc", "call", "query"] {
        let without = whole.replace(&format!("{name:?}"), "\"other\"");
        assert_eq!(refused(&text(&format!("(module {without})"))), AdmissionError::Export(name));
    }
    let wrong_type = whole.replace("(param i32) (result i32) i32.const 0", "(param i32)");
    assert_eq!(refused(&text(&format!("(module {wrong_type})"))), AdmissionError::Export("alloc"));
    let migrate = format!(r#"(module {whole} (func (export "migrate")))"#);
    assert_eq!(refused(&text(&migrate)), AdmissionError::Export("migrate"));
}

#[test]
fn the_name_of_the_meter_is_reserved() {
    let wasm = module(r#"(global (export "precinto_stack") i32 (i32.const 0))"#, "i64.const 0");
    assert_eq!(refused(&wasm), AdmissionError::ReservedExport);
}

#[test]
fn a_start_function_is_refused() {
    let wasm = module("(func $start) (start $start)", "i64.const 0");
    assert_eq!(refused(&wasm), AdmissionError::StartFunction);
}

#[test]
fn segments_outside_memory_or_table_are_refused() {
    let body = "i64.const 0";
    let last = r#"(data (i32.const 65535) "a")"#;
    admit(&module(last, body)).expect("admitted");
    for outside in [
        r#"(data (i32.const 65535) "ab")"#,
        r#"(data (i32.const -1) "a")"#,
        r#"(func $f) (table 1 funcref) (elem (i32.const 1) $f)"#,
    ] {
        assert_eq!(
            refused(&module(outside, body)),
            AdmissionError::SegmentOutOfBounds,
            "{outside}"
        );
    }
}

#[test]
fn everything_that_is_counted_is_limited() {
    let cases: Vec<(&str, String)> = vec![
        ("functions", "(func)".repeat(limits::MAX_FUNCTIONS as usize)),
        ("globals", "(global i32 (i32.const 0))".repeat(limits::MAX_GLOBALS as usize)),
        ("parameters", format!("(func {})", "(param i32)".repeat(limits::MAX_PARAMS + 1))),
        (
            "slots in a function",
            format!("(func {})", "(local i64)".repeat(limits::MAX_FRAME_SLOTS as usize + 1)),
        ),
        (
            "slots in a function",
            format!(
                "(func {} {})",
                "i32.const 0 ".repeat(limits::MAX_FRAME_SLOTS as usize + 1),
                "drop ".repeat(limits::MAX_FRAME_SLOTS as usize + 1)
            ),
        ),
        ("bytes in a function", format!("(func {})", "nop ".repeat(limits::MAX_FUNCTION_BYTES))),
        ("table elements", format!("(table {} funcref)", limits::MAX_TABLE_ELEMENTS + 1)),
        ("data segments", r#"(data (i32.const 0) "")"#.repeat(limits::MAX_SEGMENTS as usize + 1)),
        (
            "element segments",
            format!(
                "(table 0 funcref) {}",
                "(elem (i32.const 0) func)".repeat(limits::MAX_SEGMENTS as usize + 1)
            ),
        ),
        (
            "exports",
            (0..limits::MAX_EXPORTS)
                .map(|i| format!(r#"(func (export "f{i}"))"#))
                .collect::<String>(),
        ),
        (
            "types",
            (0..=limits::MAX_TYPES)
                .map(|i| {
                    // Ten parameters of two types, as the digits of a binary number.
                    let params = (0..11).map(|bit| if i >> bit & 1 == 0 { "i32 " } else { "i64 " });
                    format!("(type (func (param {})))", params.collect::<String>())
                })
                .collect::<String>(),
        ),
    ];
    for (expected, definitions) in cases {
        match refused(&module(&definitions, "i64.const 0")) {
            AdmissionError::TooMany { what, .. } => assert_eq!(what, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let pages = limits::MAX_MEMORY_BYTES / limits::PAGE_BYTES;
    let memory = text(&format!(r#"(module (memory (export "memory") {}))"#, pages + 1));
    assert!(matches!(
        refused(&memory),
        AdmissionError::TooMany { what: "bytes of initial memory", .. }
    ));
    let large = vec![0; precinto_protocol::limits::MAX_MODULE_BYTES + 1];
    assert!(matches!(refused(&large), AdmissionError::TooMany { what: "bytes", .. }));
}

#[test]
fn admission_is_a_function_of_the_bytes() {
    let (data, result) = ok();
    let wasm = module(&data, &result);
    assert_eq!(admit(&wasm), admit(&wasm));
    // Custom sections change the hash, not the code.
    let mut named = wasm.clone();
    named.extend([0, 5, 4, b'n', b'o', b't', b'e']);
    let (plain, named) = (admit(&wasm).expect("admitted"), admit(&named).expect("admitted"));
    assert_ne!(plain.code_hash(), named.code_hash());
}
