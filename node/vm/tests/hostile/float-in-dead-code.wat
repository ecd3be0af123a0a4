;; invalid
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    unreachable
    f32.const 1
    drop
    {{ok}}))
