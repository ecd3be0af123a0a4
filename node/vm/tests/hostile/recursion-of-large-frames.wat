;; call-depth-exceeded
(module
  {{exports}}
  (func $large {{1000*(local i64) }}
    call $large)
  (func $call (export "call") (param i32 i32) (result i64)
    call $large
    {{ok}}))
