;; trap: memory-out-of-bounds
(module
  (import "precinto" "state_get" (func $state_get (param i32 i32) (result i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 65530
    i32.const 7
    call $state_get
    drop
    {{ok}}))
