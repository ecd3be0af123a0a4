;; too-many: bytes
(module
  (memory (export "memory") 17)
  (data (i32.const 16) "\82\00\81\40")
  (data (i32.const 1024) "{{1048576*a}}")
  (func (export "precinto_interface_1"))
  (func (export "alloc") (param i32) (result i32)
    i32.const 1050000)
  (func (export "call") (param i32 i32) (result i64)
    {{ok}})
  (func (export "query") (param i32 i32) (result i64)
    {{ok}}))
