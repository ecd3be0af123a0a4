;; too-many: slots in a function
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{2100*i32.const 0 }}
    {{2100*drop }}
    {{ok}}))
