;; too-many: data segments
(module
  {{exports}}
  {{1025*(data (i32.const 0) "") }}
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
