//! libFuzzer on the target `definitions`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::definitions::TARGET.check(bytes));
