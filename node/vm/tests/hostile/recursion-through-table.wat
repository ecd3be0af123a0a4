;; call-depth-exceeded
(module
  {{exports}}
  (type $entry (func (param i32 i32) (result i64)))
  (table 1 funcref)
  (elem (i32.const 0) $call)
  (func $call (export "call") (param i32 i32) (result i64)
    local.get 0
    local.get 1
    i32.const 0
    call_indirect (type $entry)))
