//! Bytes as the metadata of LVM.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::lvm(bytes));
