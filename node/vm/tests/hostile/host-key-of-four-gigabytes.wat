;; out-of-fuel
;; An absurd length costs its fuel before it is looked at.
(module
  (import "precinto" "state_get" (func $state_get (param i32 i32) (result i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    i32.const -1
    call $state_get
    drop
    {{ok}}))
