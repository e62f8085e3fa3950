//! Bytes as the database of dpkg.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::dpkg(bytes));
