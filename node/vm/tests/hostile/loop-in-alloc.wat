;; out-of-fuel
(module
  (memory (export "memory") 1)
  (data (i32.const 16) "\82\00\81\40")
  (func (export "precinto_interface_1"))
  (func $alloc (export "alloc") (param i32) (result i32)
    loop
      br 0
    end
    i32.const 0)
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}})
  (func (export "query") (param i32 i32) (result i64)
    {{ok}}))
