;; too-many: types
(module
  {{exports}}
  {{1025*(type (func)) }}
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
