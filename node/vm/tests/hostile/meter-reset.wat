;; invalid
;; Global 0 is the file's own; the meter's, which is added behind it, cannot be named.
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    i32.const 0
    global.set 1
    {{ok}}))
