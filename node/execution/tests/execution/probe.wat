;; A contract whose methods are one letter each and whose arguments are
;; [length of key][key suffix][value], so that tests choose every byte.
(module
  (import "precinto" "state_get" (func $get (param i32 i32) (result i32)))
  (import "precinto" "state_set" (func $set (param i32 i32 i32 i32)))
  (import "precinto" "state_remove" (func $remove (param i32 i32)))
  (import "precinto" "state_scan" (func $scan (param i32 i32 i32 i32 i32) (result i32)))
  (import "precinto" "log_append" (func $append (param i32 i32 i32 i32) (result i64)))
  (import "precinto" "log_read" (func $read (param i32 i32 i64) (result i32)))
  (import "precinto" "log_len" (func $len (param i32 i32) (result i64)))
  (import "precinto" "emit" (func $emit (param i32 i32 i32 i32)))
  (import "precinto" "context" (func $context (result i32)))
  (import "precinto" "take" (func $take (param i32)))
  (memory (export "memory") 4)
  ;; Outputs: ok with an empty result; rejected "refused"; rejected "absent".
  (data (i32.const 0) "\82\00\81\40")
  (data (i32.const 16) "\82\01\82\67refused\60")
  (data (i32.const 32) "\82\01\82\66absent\60")
  (data (i32.const 48) "probe.written")
  (global $key (mut i32) (i32.const 0))
  (global $key_len (mut i32) (i32.const 0))
  (global $value (mut i32) (i32.const 0))
  (global $value_len (mut i32) (i32.const 0))

  (func (export "precinto_interface_1"))
  (func (export "alloc") (param i32) (result i32) (i32.const 131072))

  ;; Finds key and value in the input [method, arguments]; returns the method's letter.
  (func $parse (param $at i32) (param $n i32) (result i32)
    (local $args i32) (local $head i32)
    (local.set $head (i32.load8_u offset=3 (local.get $at)))
    (local.set $args (i32.add (local.get $at) (i32.const 4)))
    (if (i32.ge_u (local.get $head) (i32.const 0x58))
      (then (local.set $args (i32.add (local.get $args)
        (i32.sub (local.get $head) (i32.const 0x57))))))
    (global.set $key (i32.add (local.get $args) (i32.const 1)))
    (global.set $key_len (i32.load8_u (local.get $args)))
    (global.set $value (i32.add (global.get $key) (global.get $key_len)))
    (global.set $value_len
      (i32.sub (i32.add (local.get $at) (local.get $n)) (global.get $value)))
    (i32.load8_u offset=2 (local.get $at)))

  ;; Output: ok with the $n bytes that the host keeps; "absent" if $n is -1.
  (func $reply (param $n i32) (result i64)
    (local $at i32)
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (i64.const 0x200000000b))))
    (i32.store (i32.const 1024) (i32.const 0x00810082))
    (if (i32.lt_u (local.get $n) (i32.const 24))
      (then
        (i32.store8 (i32.const 1027) (i32.or (i32.const 0x40) (local.get $n)))
        (local.set $at (i32.const 1028)))
      (else (if (i32.lt_u (local.get $n) (i32.const 256))
        (then
          (i32.store8 (i32.const 1027) (i32.const 0x58))
          (i32.store8 (i32.const 1028) (local.get $n))
          (local.set $at (i32.const 1029)))
        (else
          (i32.store8 (i32.const 1027) (i32.const 0x59))
          (i32.store8 (i32.const 1028) (i32.shr_u (local.get $n) (i32.const 8)))
          (i32.store8 (i32.const 1029) (local.get $n))
          (local.set $at (i32.const 1030))))))
    (call $take (local.get $at))
    (i64.or (i64.const 0x40000000000)
      (i64.extend_i32_u (i32.add (i32.sub (local.get $at) (i32.const 1024)) (local.get $n)))))

  (func $write
    (call $set (global.get $key) (global.get $key_len) (global.get $value) (global.get $value_len)))

  ;; i: adds one to the byte under the key.
  (func $increment
    (if (i32.lt_s (call $get (global.get $key) (global.get $key_len)) (i32.const 0))
      (then (i32.store8 (i32.const 2048) (i32.const 0)))
      (else (call $take (i32.const 2048))))
    (i32.store8 (i32.const 2048) (i32.add (i32.load8_u (i32.const 2048)) (i32.const 1)))
    (call $set (global.get $key) (global.get $key_len) (i32.const 2048) (i32.const 1)))

  (func $page (result i64)
    (call $reply (call $scan (global.get $key) (global.get $key_len)
      (global.get $value) (global.get $value_len) (i32.const 256))))

  (func $first (result i64)
    (call $reply (call $read (global.get $key) (global.get $key_len) (i64.const 0))))

  ;; d: remove, a: append, k: first entry, i: increment, s: scan; all others write and emit, and then
  ;; r: refuses, t: traps, l: loops for ever.
  (func (export "call") (param $at i32) (param $n i32) (result i64)
    (local $method i32)
    (local.set $method (call $parse (local.get $at) (local.get $n)))
    (if (i32.eq (local.get $method) (i32.const 0x64))
      (then (call $remove (global.get $key) (global.get $key_len)) (return (i64.const 4))))
    (if (i32.eq (local.get $method) (i32.const 0x61))
      (then
        (drop (call $append (global.get $key) (global.get $key_len)
          (global.get $value) (global.get $value_len)))
        (return (i64.const 4))))
    (if (i32.eq (local.get $method) (i32.const 0x69))
      (then (call $increment) (return (i64.const 4))))
    (if (i32.eq (local.get $method) (i32.const 0x73)) (then (return (call $page))))
    (if (i32.eq (local.get $method) (i32.const 0x6b)) (then (return (call $first))))
    (call $write)
    (call $emit (i32.const 48) (i32.const 13) (global.get $key) (global.get $key_len))
    (if (i32.eq (local.get $method) (i32.const 0x72)) (then (return (i64.const 0x100000000c))))
    (if (i32.eq (local.get $method) (i32.const 0x74)) (then unreachable))
    (if (i32.eq (local.get $method) (i32.const 0x6c)) (then (loop (br 0))))
    (i64.const 4))

  ;; g: get, k: first entry of a record log, n: its length, s: scan, c: context, p: writes,
  ;; r: refuses, t: traps.
  (func (export "query") (param $at i32) (param $n i32) (result i64)
    (local $method i32)
    (local.set $method (call $parse (local.get $at) (local.get $n)))
    (if (i32.eq (local.get $method) (i32.const 0x67))
      (then (return (call $reply (call $get (global.get $key) (global.get $key_len))))))
    (if (i32.eq (local.get $method) (i32.const 0x6b)) (then (return (call $first))))
    (if (i32.eq (local.get $method) (i32.const 0x6e))
      (then
        (i32.store (i32.const 1024) (i32.const 0x41810082))
        (i32.store8 (i32.const 1028)
          (i32.wrap_i64 (call $len (global.get $key) (global.get $key_len))))
        (return (i64.const 0x40000000005))))
    (if (i32.eq (local.get $method) (i32.const 0x73)) (then (return (call $page))))
    (if (i32.eq (local.get $method) (i32.const 0x63))
      (then (return (call $reply (call $context)))))
    (if (i32.eq (local.get $method) (i32.const 0x70)) (then (call $write)))
    (if (i32.eq (local.get $method) (i32.const 0x74)) (then unreachable))
    (i64.const 0x100000000c)))
