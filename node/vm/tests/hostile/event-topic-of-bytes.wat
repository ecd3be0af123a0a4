;; topic-invalid
(module
  (import "precinto" "emit" (func $emit (param i32 i32 i32 i32)))
  {{exports}}
  (data (i32.const 100) "\ff\fe")
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 100
    i32.const 2
    i32.const 0
    i32.const 0
    call $emit
    {{ok}}))
