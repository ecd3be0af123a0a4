;; too-many: blocks within each other
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{20000*local.get 0 if }}
    {{20000*end }}
    {{ok}}))
