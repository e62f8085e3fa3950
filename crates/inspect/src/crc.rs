//! CRC-32 with the polynomial of Ethernet, as GPT headers (UEFI 2.10, 5.3.2) and LVM2 metadata carry it.

/// One step for each value of a byte.
const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0_u32; 256];
    let mut index = 0;
    let mut seed = 0_u32;
    while index < 256 {
        let mut value = seed;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xEDB8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
        seed += 1;
    }
    table
}

/// The usual CRC-32: begun with ones, inverted at the end.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !crc32_from(!0, bytes)
}

/// The plain register, begun with `seed`.
pub(crate) fn crc32_from(seed: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(seed, |crc, byte| {
        let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
        TABLE[usize::from(low)] ^ (crc >> 8)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_comes_out() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
