//! rpm's order: `[epoch:]version[-release]` (rpm-version(7)).

use std::cmp::Ordering;

use super::{compare_numbers, digits, epoch};

pub(super) fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let ((left_epoch, left), (right_epoch, right)) = (epoch(left), epoch(right));
    let ((left, left_release), (right, right_release)) = (release(left), release(right));
    let by_version = compare_numbers(left_epoch, right_epoch).then_with(|| compare_part(left, right));
    match (left_release, right_release) {
        (Some(left), Some(right)) => by_version.then_with(|| compare_part(left, right)),
        // A version without a release stands for all of its releases.
        _ => by_version,
    }
}

fn release(version: &[u8]) -> (&[u8], Option<&[u8]>) {
    match version.iter().rposition(|byte| *byte == b'-') {
        Some(dash) => (version.get(..dash).unwrap_or_default(), version.get(dash + 1..)),
        None => (version, None),
    }
}

/// Segments of digits or letters, whatever separates them; `~` sorts before the end, `^` right after it.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    loop {
        (left, right) = (without_separators(left), without_separators(right));
        match (left.first(), right.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => {
                (left, right) = (rest(left, 1), rest(right, 1));
                continue;
            }
            (Some(b'~'), _) | (None, Some(b'^')) => return Ordering::Less,
            (_, Some(b'~')) | (Some(b'^'), None) => return Ordering::Greater,
            (Some(b'^'), _) => return Ordering::Less,
            (_, Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(first), Some(_)) if first.is_ascii_digit() => {
                let ((a, left_rest), (b, right_rest)) = (digits(left), digits(right));
                if b.is_empty() {
                    return Ordering::Greater;
                }
                let order = compare_numbers(a, b);
                if order.is_ne() {
                    return order;
                }
                (left, right) = (left_rest, right_rest);
            }
            (Some(_), Some(_)) => {
                let (a, b) = (letters(left), letters(right));
                if b == 0 {
                    return Ordering::Less;
                }
                let order = left.get(..a).cmp(&right.get(..b));
                if order.is_ne() {
                    return order;
                }
                (left, right) = (rest(left, a), rest(right, b));
            }
        }
    }
}

fn without_separators(version: &[u8]) -> &[u8] {
    let start = version.iter().position(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'~' | b'^'));
    rest(version, start.unwrap_or(version.len()))
}

fn rest(version: &[u8], from: usize) -> &[u8] {
    version.get(from..).unwrap_or_default()
}

fn letters(version: &[u8]) -> usize {
    version.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(version.len())
}
