//! libFuzzer on the target `commands`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| konsul_fuzz::targets::commands::TARGET.check(bytes));
