;; invalid
(module
  {{exports}}
  (func {{60000*(local i64) }})
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
