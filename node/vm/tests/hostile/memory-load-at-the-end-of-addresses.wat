;; trap: memory-out-of-bounds
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const -1
    i64.load offset=4294967295))
