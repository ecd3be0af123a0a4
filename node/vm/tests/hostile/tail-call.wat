;; invalid
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    local.get 0
    local.get 1
    return_call $call))
