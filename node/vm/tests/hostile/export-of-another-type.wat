;; export: call
(module
  {{exports}}
  (func $call (param i32 i32) (result i64)
    {{ok}})
  (func (export "call") (param i32) (result i64)
    i64.const 0))
