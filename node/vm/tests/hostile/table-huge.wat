;; too-many: table elements
(module
  {{exports}}
  (table 4097 funcref)
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
