//! Alpine's order: `1.2.3a_rc1~hash-r4` (apk-package(5)).
//!
//! A version is a row of tokens. Where two rows part, the kind of token decides: the one that comes earlier in [`Token`]
//! is the newer version, but for a suffix that says "before the release".

use std::cmp::Ordering;

use super::{compare_numbers, digits};

/// One piece of a version, in the order in which pieces follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    First(&'a [u8]),
    Number(&'a [u8]),
    Letter(u8),
    Suffix(i8),
    SuffixNumber(&'a [u8]),
    Commit(&'a [u8]),
    Revision(&'a [u8]),
    End,
    Invalid(&'a [u8]),
}

/// Suffixes by age: those below zero come before the release.
const SUFFIXES: &[(&[u8], i8)] = &[
    (b"_alpha", -4),
    (b"_beta", -3),
    (b"_pre", -2),
    (b"_rc", -1),
    (b"_cvs", 1),
    (b"_svn", 2),
    (b"_git", 3),
    (b"_hg", 4),
    (b"_p", 5),
];

pub(super) fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left_rest, mut right_rest) = (left, right);
    let (mut a, mut b) = (first(&mut left_rest), first(&mut right_rest));
    loop {
        let order = compare_tokens(a, b);
        if order.is_ne() || a == Token::End || matches!(a, Token::Invalid(_)) {
            return order;
        }
        a = next(a, &mut left_rest);
        b = next(b, &mut right_rest);
    }
}

fn compare_tokens(left: Token<'_>, right: Token<'_>) -> Ordering {
    match (left, right) {
        (Token::First(a), Token::First(b))
        | (Token::SuffixNumber(a), Token::SuffixNumber(b))
        | (Token::Revision(a), Token::Revision(b)) => compare_numbers(a, b),
        // A number with a leading zero counts as a fraction does.
        (Token::Number(a), Token::Number(b)) if a.first() == Some(&b'0') || b.first() == Some(&b'0') => {
            a.cmp(b)
        }
        (Token::Number(a), Token::Number(b)) => compare_numbers(a, b),
        (Token::Letter(a), Token::Letter(b)) => a.cmp(&b),
        (Token::Suffix(a), Token::Suffix(b)) => a.cmp(&b),
        (Token::Commit(a), Token::Commit(b)) | (Token::Invalid(a), Token::Invalid(b)) => a.cmp(b),
        (Token::End, Token::End) => Ordering::Equal,
        (Token::Suffix(age), _) if age < 0 => Ordering::Less,
        (_, Token::Suffix(age)) if age < 0 => Ordering::Greater,
        (left, right) => place(right).cmp(&place(left)),
    }
}

fn place(token: Token<'_>) -> u8 {
    match token {
        Token::First(_) => 0,
        Token::Number(_) => 1,
        Token::Letter(_) => 2,
        Token::Suffix(_) => 3,
        Token::SuffixNumber(_) => 4,
        Token::Commit(_) => 5,
        Token::Revision(_) => 6,
        Token::End => 7,
        Token::Invalid(_) => 8,
    }
}

fn first<'a>(rest: &mut &'a [u8]) -> Token<'a> {
    let (number, after) = digits(rest);
    if number.is_empty() {
        return Token::Invalid(rest);
    }
    *rest = after;
    Token::First(number)
}

fn next<'a>(last: Token<'a>, rest: &mut &'a [u8]) -> Token<'a> {
    let at = *rest;
    let taken = |rest: &mut &'a [u8], number: &'a [u8], after: &'a [u8], token: fn(&'a [u8]) -> Token<'a>| {
        if number.is_empty() {
            return Token::Invalid(at);
        }
        *rest = after;
        token(number)
    };
    match at {
        [] => Token::End,
        [b'.', after @ ..] if place(last) <= 1 => {
            let (number, after) = digits(after);
            taken(rest, number, after, Token::Number)
        }
        [letter, after @ ..] if letter.is_ascii_lowercase() && place(last) <= 1 => {
            *rest = after;
            Token::Letter(*letter)
        }
        [b'_', ..] if place(last) <= 4 => {
            for (name, age) in SUFFIXES {
                if let Some(after) = at.strip_prefix(*name)
                    && !after.first().is_some_and(u8::is_ascii_lowercase)
                {
                    *rest = after;
                    return Token::Suffix(*age);
                }
            }
            Token::Invalid(at)
        }
        [digit, ..] if digit.is_ascii_digit() && place(last) == 3 => {
            let (number, after) = digits(at);
            taken(rest, number, after, Token::SuffixNumber)
        }
        [b'~', after @ ..] if place(last) <= 4 => {
            let end = after.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(after.len());
            let (commit, after) = after.split_at(end);
            taken(rest, commit, after, Token::Commit)
        }
        [b'-', b'r', after @ ..] if place(last) <= 5 => {
            let (number, after) = digits(after);
            taken(rest, number, after, Token::Revision)
        }
        _ => Token::Invalid(at),
    }
}
