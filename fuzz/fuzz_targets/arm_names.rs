//! Bytes as resource ids and other names of the wire.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::arm_names(bytes));
