;; bad-output
(module
  (import "precinto" "log_len" (func $call (param i32 i32) (result i64)))
  {{exports}}
  (export "call" (func $call)))
