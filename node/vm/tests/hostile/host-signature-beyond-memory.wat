;; trap: memory-out-of-bounds
(module
  (import "precinto" "verify_signature" (func $verify_signature (param i32 i32 i32 i32) (result i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    i32.const 0
    i32.const 1
    i32.const 65500
    call $verify_signature
    drop
    {{ok}}))
