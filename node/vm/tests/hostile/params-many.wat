;; too-many: parameters
(module
  {{exports}}
  (func {{33*(param i32) }})
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
