//! libFuzzer on the target `wal`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::wal::TARGET.check(bytes));
