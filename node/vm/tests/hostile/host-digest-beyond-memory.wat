;; trap: memory-out-of-bounds
(module
  (import "precinto" "sha256" (func $sha256 (param i32 i32 i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    i32.const 1
    i32.const 65505
    call $sha256
    {{ok}}))
