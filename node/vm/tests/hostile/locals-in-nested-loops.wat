;; out-of-fuel
;; Each loop is a place where the compiler merges what each local may hold.
(module
  {{exports}}
  (func $call (export "call") (param i32 i32) (result i64)
    {{1900*(local $l# i64) }}
    {{34*loop }}
    {{1900*local.get $l# i64.const 1 i64.add local.set $l#  }}
    {{34*local.get 0 br_if 0 end }}
    {{ok}}))
