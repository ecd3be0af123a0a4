;; start-function
(module
  {{exports}}
  (func $start)
  (start $start)
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
