//! Bytes as ext4.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::ext(bytes));
