//! Bytes as os-release, accounts, sshd, fstab, boot menus and other texts of a guest.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::configuration(bytes));
