//! libFuzzer on the target `cursor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::cursor::TARGET.check(bytes));
