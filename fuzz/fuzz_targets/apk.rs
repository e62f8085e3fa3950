//! Bytes as the database of apk.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::apk(bytes));
