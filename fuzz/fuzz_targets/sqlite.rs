//! Bytes as the database of rpm in SQLite.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::sqlite(bytes));
