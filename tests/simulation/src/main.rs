//! `precinto-simulation`: runs worlds by their seeds and tells what went wrong.
#![allow(clippy::print_stdout, reason = "a program for people")]

fn main() {}
