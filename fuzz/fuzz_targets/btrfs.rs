//! Bytes as Btrfs.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::btrfs(bytes));
