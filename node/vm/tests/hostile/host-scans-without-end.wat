;; out-of-fuel
(module
  (import "precinto" "state_scan" (func $state_scan (param i32 i32 i32 i32 i32) (result i32)))
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    loop
      i32.const 0
      i32.const 0
      i32.const 0
      i32.const 0
      i32.const -1
      call $state_scan
      drop
      br 0
    end
    {{ok}}))
