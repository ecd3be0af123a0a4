;; segment-out-of-bounds
(module
  {{exports}}
  (data (i32.const 65535) "ab")
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
