//! Which of two versions is newer, by the rules of the packages' own tools.
//!
//! Each order is total: any bytes may stand in a database, so nothing here refuses a version.

mod apk;
mod deb;
mod rpm;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use super::Ecosystem;

/// Compares two versions of one ecosystem.
#[must_use]
pub fn compare(ecosystem: Ecosystem, left: &str, right: &str) -> Ordering {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    match ecosystem {
        Ecosystem::Deb => deb::compare(left, right),
        // pacman's order grew out of rpm's and differs from it only where `~` and `^` stand, which it does not allow.
        Ecosystem::Rpm | Ecosystem::Pacman => rpm::compare(left, right),
        Ecosystem::Apk => apk::compare(left, right),
    }
}

/// The digits at the start of `bytes`, and what follows them.
fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// Compares numbers of any length.
fn compare_numbers(left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (without_zeros(left), without_zeros(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|digit| *digit != b'0').unwrap_or(number.len());
    number.get(start..).unwrap_or_default()
}

/// The epoch (a number before the first `:`) and the rest; no epoch is the epoch 0.
fn epoch(version: &[u8]) -> (&[u8], &[u8]) {
    match digits(version) {
        (number, [b':', rest @ ..]) => (number, rest),
        _ => (b"", version),
    }
}
