//! libFuzzer on the target `config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::config::TARGET.check(bytes));
