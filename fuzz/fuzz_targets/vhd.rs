//! Bytes as VHD.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::vhd(bytes));
