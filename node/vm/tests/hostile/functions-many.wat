;; ok
(module
  {{exports}}
  {{4000*(func (param i32) (result i32) local.get 0 i32.const 3 i32.mul) }}
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
