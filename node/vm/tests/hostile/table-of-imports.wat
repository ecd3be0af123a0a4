;; nothing-to-take
(module
  (import "precinto" "take" (func $take (param i32)))
  {{exports}}
  (type $t (func (param i32)))
  (table 1 funcref)
  (elem (i32.const 0) $take)
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    i32.const 0
    call_indirect (type $t)
    {{ok}}))
