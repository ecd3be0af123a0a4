//! The target `module` on generated modules with the interface's exports: valid more often than
//! changed bytes are. What it finds belongs into the corpus of `module`.
#![no_main]

use std::sync::LazyLock;

use wasm_smith::{Config, MemoryOffsetChoices, Module};

/// What a generated module exports.
const EXPORTS: &str = r#"(module
    (memory (export "memory") 1 8)
    (func (export "precinto_interface_1") unreachable)
    (func (export "alloc") (param i32) (result i32) unreachable)
    (func (export "call") (param i32 i32) (result i64) unreachable)
    (func (export "query") (param i32 i32) (result i64) unreachable)
    (func (export "migrate") (param i32 i32) (result i64) unreachable))"#;

/// The host interface, of which a generated module imports what it likes.
const IMPORTS: &str = r#"(module
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
    (import "precinto" "take" (func (param i32))))"#;

static TEMPLATES: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| [EXPORTS, IMPORTS].map(|text| wat::parse_str(text).expect("a module's text")));

/// Modules of the allowed features, and a little more than the allowed sizes.
fn shapes() -> Config {
    let [exports, imports] = TEMPLATES.clone();
    Config {
        exports: Some(exports),
        available_imports: Some(imports),
        allow_floats: false,
        allow_start_export: false,
        bulk_memory_enabled: false,
        exceptions_enabled: false,
        extended_const_enabled: false,
        gc_enabled: false,
        max_memories: 1,
        max_tables: 1,
        max_table_elements: 5_000,
        memory_offset_choices: MemoryOffsetChoices(90, 9, 1),
        memory64_enabled: false,
        multi_value_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: false,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        ..Config::default()
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut source = arbitrary::Unstructured::new(bytes);
    if let Ok(module) = Module::new(shapes(), &mut source) {
        precinto_fuzzing::run("module", &module.to_bytes());
    }
});
