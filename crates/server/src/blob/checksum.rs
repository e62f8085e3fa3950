//! The two checksums that clients send with bytes: MD5 (RFC 1321) and the CRC-64 of Azure Storage.
//!
//! Neither proves anything against somebody who means harm; they tell of bytes that were damaged on their way.

const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The MD5 of `bytes`.
pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let constants = constants();
    let (blocks, rest) = bytes.as_chunks::<64>();
    for block in blocks {
        digest_block(&mut state, block, &constants);
    }
    let mut tail = rest.to_vec();
    tail.push(0x80);
    tail.resize(if tail.len() > 56 { 120 } else { 56 }, 0);
    tail.extend((u64::try_from(bytes.len()).unwrap_or(u64::MAX).wrapping_mul(8)).to_le_bytes());
    let (blocks, _) = tail.as_chunks::<64>();
    for block in blocks {
        digest_block(&mut state, block, &constants);
    }
    let mut digest = [0; 16];
    for (out, word) in digest.chunks_exact_mut(4).zip(state) {
        out.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

/// The whole parts of 2³² times the sine of 1, 2, 3…
fn constants() -> [u32; 64] {
    let mut constants = [0; 64];
    for (at, constant) in (1_u32..).zip(&mut constants) {
        let whole = (f64::from(at).sin().abs() * 4_294_967_296.0).floor();
        *constant = from_whole(whole);
    }
    constants
}

/// A whole number below 2³² out of its floating form, bit by bit: no cast may cut it.
fn from_whole(mut whole: f64) -> u32 {
    let mut number = 0;
    for bit in (0..32).rev() {
        let weight = f64::from(1_u32 << bit);
        if whole >= weight {
            whole -= weight;
            number |= 1 << bit;
        }
    }
    number
}

fn digest_block(state: &mut [u32; 4], block: &[u8; 64], constants: &[u32; 64]) {
    let mut words = [0; 16];
    let (quads, _) = block.as_chunks::<4>();
    for (word, bytes) in words.iter_mut().zip(quads) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d] = *state;
    for step in 0..64 {
        let (mix, at) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), (5 * step + 1) % 16),
            2 => (b ^ c ^ d, (3 * step + 5) % 16),
            _ => (c ^ (b | !d), (7 * step) % 16),
        };
        let turned = a
            .wrapping_add(mix)
            .wrapping_add(constants[step])
            .wrapping_add(words[at])
            .rotate_left(SHIFTS[step / 16][step % 4]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    for (word, add) in state.iter_mut().zip([a, b, c, d]) {
        *word = word.wrapping_add(add);
    }
}

/// The polynomial of the CRC-64 of Azure Storage and NVMe, reflected.
const POLYNOMIAL: u64 = 0x9A6C_9329_AC4B_C9B5;

const TABLE: [u64; 256] = table();

const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    let mut value = 0_u64;
    while byte < 256 {
        let mut crc = value;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
        value += 1;
    }
    table
}

/// The CRC-64 of `bytes`, in the byte order in which it is sent.
pub(super) fn crc64(bytes: &[u8]) -> [u8; 8] {
    let crc = bytes.iter().fold(u64::MAX, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        TABLE[usize::from(low ^ byte)] ^ (crc >> 8)
    });
    (!crc).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{crc64, md5};

    #[rstest]
    #[case("", "d41d8cd98f00b204e9800998ecf8427e")]
    #[case("abc", "900150983cd24fb0d6963f7d28e17f72")]
    #[case("message digest", "f96b697d7cb7938d525a2f31aaf161d0")]
    #[case(
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
        "57edf4a22be3c955ac49da2e2107b67a"
    )]
    fn md5_is_that_of_rfc_1321(#[case] text: &str, #[case] digest: &str) {
        let found: String = md5(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, digest);
    }

    #[test]
    fn crc64_is_that_of_nvme() {
        assert_eq!(u64::from_le_bytes(crc64(b"123456789")), 0xAE8B_1486_0A79_9888);
    }
}
