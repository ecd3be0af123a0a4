;; import
(module
  (import "precinto" "clock" (func (result i64)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
