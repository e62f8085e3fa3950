//! Bytes as headers of programs and kernels.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::program(bytes));
