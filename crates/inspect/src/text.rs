//! Text out of foreign bytes, made fit to be shown, logged and stored.
//!
//! What comes out holds no control character, no character that turns the direction of writing, and at most 256 others.

use std::fmt::Write as _;

/// Most characters kept of a foreign text.
const MOST_CHARACTERS: usize = 256;

/// `bytes` as text: what is not UTF-8, or would steer a terminal or a page, becomes U+FFFD; cut after 256 characters.
pub(crate) fn plain(bytes: &[u8]) -> String {
    let end = bytes.len().min(MOST_CHARACTERS * 4);
    let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
    text.chars().take(MOST_CHARACTERS).map(shown).collect()
}

/// The same for text in UTF-16.
pub(crate) fn plain_utf16(units: impl Iterator<Item = u16>) -> String {
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .take(MOST_CHARACTERS)
        .map(shown)
        .collect()
}

/// UTF-16 as UTF-8 bytes, for names that are compared, not shown; a lone surrogate becomes U+FFFD.
pub(crate) fn utf16_name(units: impl Iterator<Item = u16>) -> Vec<u8> {
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect::<String>()
        .into_bytes()
}

/// The little-endian 16-bit units of `bytes`.
pub(crate) fn units(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let (pairs, _) = bytes.as_chunks::<2>();
    pairs.iter().map(|pair| u16::from_le_bytes(*pair))
}

fn shown(character: char) -> char {
    let turns =
        matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if character.is_control() || turns { char::REPLACEMENT_CHARACTER } else { character }
}

/// Whether nothing in `text` steers a terminal.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn is_plain(text: &str) -> bool {
    text.chars().all(|character| shown(character) == character)
}

/// Bytes of a field padded with NULs or spaces, as text; `None` when nothing is left.
pub(crate) fn padded(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = plain(bytes.get(..end).unwrap_or_default());
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Sixteen bytes in the order of RFC 9562, as `8-4-4-4-12` in lower case.
pub(crate) fn uuid(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a `String` cannot fail.
        let _ignored = write!(text, "{byte:02x}");
    }
    text
}

/// A GUID as UEFI stores it (the first three fields little-endian), as text in lower case.
pub(crate) fn guid(bytes: [u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let [i, j, k, l, m, n, o, p] = rest;
    uuid([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(b"root", "root")]
    #[case(b"a\x1b[31mb", "a\u{FFFD}[31mb")]
    #[case(b"a\r\nb", "a\u{FFFD}\u{FFFD}b")]
    #[case("a\u{202E}b".as_bytes(), "a\u{FFFD}b")]
    #[case(b"\xFF\xFE", "\u{FFFD}\u{FFFD}")]
    fn what_steers_is_replaced(#[case] bytes: &[u8], #[case] shown: &str) {
        assert_eq!(plain(bytes), shown);
    }

    #[test]
    fn what_comes_out_is_plain() {
        let text = "a\u{1b}[2J\u{9b}\u{202E}b";
        assert!(!is_plain(text));
        assert!(is_plain(&plain(text.as_bytes())));
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(plain(&[b'x'; 200_000]).len(), 256);
    }

    #[test]
    fn a_guid_is_told_as_uefi_tells_it() {
        let bytes = *b"\x28\x73\x2A\xC1\x1F\xF8\xD2\x11\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B";
        assert_eq!(guid(bytes), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
    }
}
