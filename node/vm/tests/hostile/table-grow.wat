;; invalid
(module
  {{exports}}
  (table 1 funcref)
  (func $call (export "call") (param i32 i32) (result i64)
    ref.null func
    i32.const 1
    table.grow 0
    drop
    {{ok}}))
