;; out-of-fuel
(module
  (import "precinto" "verify_signature" (func $verify_signature (param i32 i32 i32 i32) (result i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    loop
      i32.const 0
      i32.const 0
      i32.const 0
      i32.const 0
      call $verify_signature
      drop
      br 0
    end
    {{ok}}))
