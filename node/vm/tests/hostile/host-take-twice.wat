;; nothing-to-take
(module
  (import "precinto" "context" (func $context (result i32)))
  (import "precinto" "take" (func $take (param i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    call $context
    drop
    i32.const 1024
    call $take
    i32.const 1024
    call $take
    {{ok}}))
