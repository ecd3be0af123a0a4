;; invalid
(module
  {{exports}}
  (func (local f64))
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
