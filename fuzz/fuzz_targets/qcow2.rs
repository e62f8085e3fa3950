//! Bytes as qcow2.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::qcow2(bytes));
