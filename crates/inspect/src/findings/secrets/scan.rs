//! Finding runs of known characters in bytes.

/// Places of one kind that are looked at in one file: a file of nothing else costs no more.
const MOST_PLACES: usize = 500;
/// The longest run; no secret is longer.
const MOST_RUN: usize = 8192;

/// The places where `needle` stands in `text`, the first few hundred.
pub(super) fn places<'t>(text: &'t [u8], needle: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    memchr::memmem::find_iter(text, needle).take(MOST_PLACES)
}

/// The longest run from `at` whose bytes are all `allowed`.
pub(super) fn run(text: &[u8], at: usize, allowed: fn(u8) -> bool) -> &[u8] {
    let rest = text.get(at..text.len().min(at.saturating_add(MOST_RUN))).unwrap_or_default();
    let end = rest.iter().position(|byte| !allowed(*byte)).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// Whether no letter or digit stands right before `at`.
pub(super) fn begins_a_word(text: &[u8], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| text.get(before)).is_none_or(|byte| !is_word(*byte))
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

pub(super) fn is_base64_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Bits of surprise in a byte of `text`, by how often each byte stands in it.
pub(super) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total: u32 = counts.iter().sum();
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / f64::from(total);
            -share * share.log2()
        })
        .sum()
}

/// Whether a text only shows where a secret would stand.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"example",
        b"xxxx",
        b"changeme",
        b"change_me",
        b"your",
        b"placeholder",
        b"dummy",
        b"0000000",
        b"redacted",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|word| memchr::memmem::find(&lower, word).is_some())
        || text.iter().any(|byte| matches!(byte, b'$' | b'<' | b'{' | b'*' | b'%'))
}

/// Decodes base64 of either alphabet, with or without padding, passing over white space.
pub(super) fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b'\n' | b'\r' | b' ' | b'\t' => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 1;
        if count == 4 {
            let [_, a, b, c] = bits.to_be_bytes();
            bytes.extend([a, b, c]);
            (bits, count) = (0, 0);
        }
    }
    match count {
        0 => {}
        2 => bytes.push((bits >> 4).to_be_bytes()[3]),
        3 => bytes.extend(&(bits >> 2).to_be_bytes()[2..]),
        _ => return None,
    }
    Some(bytes)
}
