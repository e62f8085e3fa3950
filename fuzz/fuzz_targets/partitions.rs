//! Bytes as GPT, MBR and whatever else a raw disk begins with.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::partitions(bytes));
