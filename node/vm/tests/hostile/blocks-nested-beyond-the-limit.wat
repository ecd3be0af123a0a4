;; too-many: bytes in a function
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{100000*block }}
    {{100000*end }}
    {{ok}}))
