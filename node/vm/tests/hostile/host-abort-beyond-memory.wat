;; trap: memory-out-of-bounds
(module
  (import "precinto" "abort" (func $abort (param i32 i32 i32 i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    i32.const 1
    i32.const 65536
    i32.const 1
    call $abort
    {{ok}}))
