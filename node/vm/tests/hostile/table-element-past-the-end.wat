;; segment-out-of-bounds
(module
  {{exports}}
  (func $f)
  (table 1 funcref)
  (elem (i32.const 1) $f)
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
