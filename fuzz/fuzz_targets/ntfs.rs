//! Bytes as NTFS.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::ntfs(bytes));
