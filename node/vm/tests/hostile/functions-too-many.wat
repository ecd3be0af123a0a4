;; too-many: functions
(module
  {{exports}}
  {{4096*(func) }}
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
