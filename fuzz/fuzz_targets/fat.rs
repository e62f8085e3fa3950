//! Bytes as FAT.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::fat(bytes));
