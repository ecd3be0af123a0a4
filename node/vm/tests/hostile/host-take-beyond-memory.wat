;; trap: memory-out-of-bounds
(module
  (import "precinto" "context" (func $context (result i32)))
  (import "precinto" "take" (func $take (param i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    call $context
    drop
    i32.const 65535
    call $take
    {{ok}}))
