//! Bytes as the database of pacman.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::pacman(bytes));
