//! libFuzzer on the target `ndjson`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::ndjson::TARGET.check(bytes));
