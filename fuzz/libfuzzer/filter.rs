//! libFuzzer on the target `filter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::filter::TARGET.check(bytes));
