//! Tests of the house itself, in `tests/house`: what each crate may depend on, what the
//! deterministic crates may not mention, and the shape of files. There is nothing to use here.
