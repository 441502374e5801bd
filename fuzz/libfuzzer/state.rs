//! libFuzzer on the target `state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::state::TARGET.check(bytes));
