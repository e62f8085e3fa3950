//! Bytes as the older database of rpm.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::berkeley(bytes));
