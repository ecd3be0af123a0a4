;; ok
;; The later segment wins, as the standard says.
(module
  {{exports}}
  (data (i32.const 14) "aaaaaaaa")
  (data (i32.const 16) "\82\00\81\40")
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
