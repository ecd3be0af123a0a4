;; out-of-fuel
(module
  (import "precinto" "context" (func $context (result i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    loop
      call $context
      drop
      br 0
    end
    {{ok}}))
