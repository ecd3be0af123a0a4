;; import
(module
  (import "precinto" "take" (func (param i64)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
