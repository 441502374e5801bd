//! libFuzzer on the target `query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::query::TARGET.check(bytes));
