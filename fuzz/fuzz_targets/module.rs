#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| precinto_fuzzing::run("module", bytes));
