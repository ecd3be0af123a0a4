;; trap: integer-overflow
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i64.const 0x8000000000000000
    i64.const -1
    i64.div_s))
