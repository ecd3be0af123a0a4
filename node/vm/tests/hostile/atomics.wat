;; invalid
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    i32.const 0
    i32.atomic.rmw.add
    drop
    {{ok}}))
