;; import
(module
  (import "precinto" "take" (global i32))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
