//! Bytes as VMDK.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::vmdk(bytes));
