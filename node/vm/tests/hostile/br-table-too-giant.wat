;; too-many: targets of a branch
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    block
      i32.const 7
      br_table {{100000*0 }}0
    end
    {{ok}}))
