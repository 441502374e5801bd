//! libFuzzer on the target `snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::snapshot::TARGET.check(bytes));
