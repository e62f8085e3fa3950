//! Bytes as archives of an initramfs.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::initramfs(bytes));
