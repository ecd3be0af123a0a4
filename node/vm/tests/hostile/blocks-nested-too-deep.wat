;; too-many: blocks within each other
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{40000*block }}
    {{40000*end }}
    {{ok}}))
