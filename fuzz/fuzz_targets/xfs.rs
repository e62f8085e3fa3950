//! Bytes as XFS.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::xfs(bytes));
