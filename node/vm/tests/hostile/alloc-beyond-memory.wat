;; trap: memory-out-of-bounds
(module
  (memory (export "memory") 1)
  (data (i32.const 16) "\82\00\81\40")
  (func (export "precinto_interface_1"))
  (func $alloc (export "alloc") (param i32) (result i32)
    i32.const 65536)
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}})
  (func (export "query") (param i32 i32) (result i64)
    {{ok}}))
