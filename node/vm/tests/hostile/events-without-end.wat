;; too-many-events
(module
  (import "precinto" "emit" (func $emit (param i32 i32 i32 i32)))
  {{exports}}
  (data (i32.const 100) "t")
  (func $call (export "call") (param i32 i32) (result i64)
    loop
      i32.const 100
      i32.const 1
      i32.const 0
      i32.const 0
      call $emit
      br 0
    end
    {{ok}}))
