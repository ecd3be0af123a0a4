;; rejected: why
(module
  (import "precinto" "abort" (func $abort (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "why")
  (func (export "precinto_interface_1"))
  (func $alloc (export "alloc") (param i32) (result i32)
    i32.const 100
    i32.const 3
    i32.const 100
    i32.const 3
    call $abort
    i32.const 0)
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}})
  (func (export "query") (param i32 i32) (result i64)
    {{ok}}))
