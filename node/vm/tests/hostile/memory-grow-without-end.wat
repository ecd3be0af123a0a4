;; out-of-fuel
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    loop
      i32.const 1
      memory.grow
      drop
      br 0
    end
    {{ok}}))
