//! Debian's order: `[epoch:]upstream[-revision]` (Debian Policy 5.6.12).

use std::cmp::Ordering;

use super::{compare_numbers, digits, epoch};

pub(super) fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let ((left_epoch, left), (right_epoch, right)) = (epoch(left), epoch(right));
    let ((left, left_revision), (right, right_revision)) = (revision(left), revision(right));
    compare_numbers(left_epoch, right_epoch)
        .then_with(|| compare_part(left, right))
        .then_with(|| compare_part(left_revision, right_revision))
}

/// What stands before and after the last `-`.
fn revision(version: &[u8]) -> (&[u8], &[u8]) {
    match version.iter().rposition(|byte| *byte == b'-') {
        Some(dash) => (version.get(..dash).unwrap_or_default(), version.get(dash + 1..).unwrap_or_default()),
        None => (version, b""),
    }
}

/// Turns of text and number: text by [`weight`], numbers by value.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        loop {
            let (a, b) = (text_head(left), text_head(right));
            if a.is_none() && b.is_none() {
                break;
            }
            let order = weight(a).cmp(&weight(b));
            if order.is_ne() {
                return order;
            }
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
        }
        let ((a, left_rest), (b, right_rest)) = (digits(left), digits(right));
        let order = compare_numbers(a, b);
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

/// The next byte, unless a number or the end comes next.
fn text_head(rest: &[u8]) -> Option<u8> {
    rest.first().copied().filter(|byte| !byte.is_ascii_digit())
}

/// `~` sorts before the end, letters before everything else.
fn weight(byte: Option<u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(other) => i32::from(other) + 256,
    }
}
