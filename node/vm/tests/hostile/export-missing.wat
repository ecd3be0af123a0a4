;; export: call
(module
  {{exports}}
  (func $call (param i32 i32) (result i64)
    {{ok}}))
