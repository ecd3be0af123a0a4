;; too-many: globals
(module
  {{exports}}
  {{65*(global i32 (i32.const 0)) }}
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
