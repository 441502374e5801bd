//! libFuzzer on the target `batch`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::batch::TARGET.check(bytes));
