//! libFuzzer on the target `http`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::http::TARGET.check(bytes));
