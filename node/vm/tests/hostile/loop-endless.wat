;; out-of-fuel
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    loop
      br 0
    end
    {{ok}}))
