//! Bytes as registry hives.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::hive(bytes));
