//! libFuzzer on the target `dns`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::dns::TARGET.check(bytes));
