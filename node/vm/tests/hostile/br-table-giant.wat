;; ok
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    block
      i32.const 7
      br_table {{4096*0 }}0
    end
    {{ok}}))
