//! The hashes of the language: `uniqueString`, `guid` and the hash of a template.

use serde_json::Value;

/// The letters of `uniqueString`.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// The namespace of `guid` (Bicep documentation, string functions).
const NAMESPACE: [u8; 16] =
    [0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30];

/// `templateHash`: the same for templates that differ in white space and order only; a decimal number of our own making.
#[must_use]
pub fn template_hash(template: &Value) -> String {
    murmur(template.to_string().as_bytes()).to_string()
}

/// Thirteen letters of the hash of all words.
pub(crate) fn unique_string(words: &[String]) -> String {
    let hash = murmur(words.join("-").as_bytes());
    let letter = |at: u32| {
        // The 65th bit on is zero.
        let five = hash.checked_shl(5 * at).unwrap_or(0) >> 59;
        char::from(LETTERS[usize::try_from(five).unwrap_or(0)])
    };
    (0..13).map(letter).collect()
}

/// A UUID of version 5 (RFC 9562) of all words.
pub(crate) fn guid(words: &[String]) -> String {
    let mut message = NAMESPACE.to_vec();
    message.extend(words.join("-").bytes());
    let digest = sha1(&message);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    spelled(&bytes)
}

/// The guid number `count` of a deployment: random as its seed is.
pub(crate) fn new_guid(seed: &[u8; 16], count: u64) -> String {
    let mut message = seed.to_vec();
    message.extend(count.to_be_bytes());
    let digest = sha1(&message);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    spelled(&bytes)
}

fn spelled(bytes: &[u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The two-lane 64-bit variant of MurmurHash3 that Azure's template engine is reported to use.
fn murmur(data: &[u8]) -> u64 {
    const C1: u32 = 0x239b_961b;
    const C2: u32 = 0xab0e_9789;
    let first = |k: u32| k.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    let second = |k: u32| k.wrapping_mul(C2).rotate_left(17).wrapping_mul(C1);
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    let (mut h1, mut h2) = (0_u32, 0_u32);
    let pieces = data.chunks_exact(8);
    let tail = pieces.remainder();
    for piece in pieces {
        h1 = (h1 ^ first(word(&piece[..4]))).rotate_left(19).wrapping_add(h2);
        h1 = h1.wrapping_mul(5).wrapping_add(0x561c_cd1b);
        h2 = (h2 ^ second(word(&piece[4..]))).rotate_left(13).wrapping_add(h1);
        h2 = h2.wrapping_mul(5).wrapping_add(0x0bca_a747);
    }
    if !tail.is_empty() {
        h1 ^= first(word(&tail[..tail.len().min(4)]));
    }
    if tail.len() > 4 {
        h2 ^= second(word(&tail[4..]));
    }
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    (h1, h2) = (h1 ^ length, h2 ^ length);
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    let mix = |h: u32| {
        let h = (h ^ h >> 16).wrapping_mul(0x85eb_ca6b);
        let h = (h ^ h >> 13).wrapping_mul(0xc2b2_ae35);
        h ^ h >> 16
    };
    (h1, h2) = (mix(h1), mix(h2));
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    u64::from(h2) << 32 | u64::from(h1)
}

/// SHA-1 (FIPS 180-4), for names and never for trust.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut h: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let bits = u64::try_from(message.len()).unwrap_or(0).wrapping_mul(8);
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend(bits.to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut w = [0_u32; 80];
        for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
            *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        for at in 16..80 {
            w[at] = (w[at - 3] ^ w[at - 8] ^ w[at - 14] ^ w[at - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = h;
        for (at, word) in w.iter().enumerate() {
            let (f, k) = match at {
                0..20 => (b & c | !b & d, 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, part) in h.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(h) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::{sha1, unique_string};

    #[test]
    fn sha1_is_that_of_the_standard() {
        let hex =
            |text: &str| sha1(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        let long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(hex(long), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    }

    #[test]
    fn unique_strings_are_thirteen_letters_and_differ() {
        let one = unique_string(&["a".to_owned()]);
        assert!(one.len() == 13 && one.bytes().all(|letter| super::LETTERS.contains(&letter)));
        assert_ne!(one, unique_string(&["b".to_owned()]));
        assert_eq!(unique_string(&["a".to_owned(), "b".to_owned()]), unique_string(&["a-b".to_owned()]));
    }
}
