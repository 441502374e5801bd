//! libFuzzer on the target `txn`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::txn::TARGET.check(bytes));
