;; export: migrate
(module
  {{exports}}
  (func (export "migrate"))
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
