;; value-too-large
(module
  (import "precinto" "log_append" (func $log_append (param i32 i32 i32 i32) (result i64)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    i32.const 1
    i32.const 0
    i32.const 32769
    call $log_append
    drop
    {{ok}}))
