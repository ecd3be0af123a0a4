;; trap: bad-signature
(module
  {{exports}}
  (type $t (func))
  (func $other (param i32))
  (table 1 funcref)
  (elem (i32.const 0) $other)
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    call_indirect (type $t)
    {{ok}}))
