;; value-too-large
(module
  (import "precinto" "state_set" (func $state_set (param i32 i32 i32 i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    i32.const 1
    i32.const 0
    i32.const 32769
    call $state_set
    {{ok}}))
