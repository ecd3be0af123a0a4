;; invalid
(module
  {{exports}}
  (func (export "call") (param i32 i32) (result i64)
    {{ok}})
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
