;; ok
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{512*block }}
    {{512*end }}
    {{ok}}))
