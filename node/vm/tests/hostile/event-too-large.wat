;; event-too-large
(module
  (import "precinto" "emit" (func $emit (param i32 i32 i32 i32)))
  {{exports}}
  (data (i32.const 100) "t")
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 100
    i32.const 1
    i32.const 0
    i32.const 4097
    call $emit
    {{ok}}))
