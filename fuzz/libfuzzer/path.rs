//! libFuzzer on the target `path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::path::TARGET.check(bytes));
