;; segment-out-of-bounds
(module
  {{exports}}
  (data (i32.const -1) "a")
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
