;; out-of-fuel
;; Growth costs fuel for every page that is asked for, also where it is refused.
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const -1
    memory.grow
    i32.const -1
    i32.ne
    if
      unreachable
    end
    {{ok}}))
