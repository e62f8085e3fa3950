//! Bytes as rpm's own database.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::ndb(bytes));
