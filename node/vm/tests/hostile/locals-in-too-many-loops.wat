;; too-many: merged values
;; Functions of 250 loops with 1900 locals: for the compiler, each is half a million values to keep.
(module
  {{exports}}
  (func (param i32) {{1900*(local i64) }} {{250*loop }} {{250*local.get 0 br_if 0 end }})
  (func (param i32) {{1900*(local i64) }} {{250*loop }} {{250*local.get 0 br_if 0 end }})
  (func (param i32) {{1900*(local i64) }} {{250*loop }} {{250*local.get 0 br_if 0 end }})
  (func (param i32) {{1900*(local i64) }} {{250*loop }} {{250*local.get 0 br_if 0 end }})
  (func (param i32) {{1900*(local i64) }} {{250*loop }} {{250*local.get 0 br_if 0 end }})
  (func (param i32) {{1900*(local i64) }} {{250*loop }} {{250*local.get 0 br_if 0 end }})
  (func (param i32) {{1900*(local i64) }} {{250*loop }} {{250*local.get 0 br_if 0 end }})
  (func (param i32) {{1900*(local i64) }} {{250*loop }} {{250*local.get 0 br_if 0 end }})
  (func (param i32) {{1900*(local i64) }} {{250*loop }} {{250*local.get 0 br_if 0 end }})
  (func $call (export "call") (param i32 i32) (result i64)
    {{ok}}))
