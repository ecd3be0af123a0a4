;; bad-output
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i64.const 0))
