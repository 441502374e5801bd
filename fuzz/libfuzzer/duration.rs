//! libFuzzer on the target `duration`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::duration::TARGET.check(bytes));
