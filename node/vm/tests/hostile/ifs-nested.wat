;; ok
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{512*local.get 0 if }}
    {{512*end }}
    {{ok}}))
