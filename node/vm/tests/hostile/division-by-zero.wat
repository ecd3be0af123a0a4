;; trap: integer-division-by-zero
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i64.const 1
    i64.const 0
    i64.div_u))
