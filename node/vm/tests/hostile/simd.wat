;; invalid
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    v128.const i64x2 0 0
    drop
    {{ok}}))
