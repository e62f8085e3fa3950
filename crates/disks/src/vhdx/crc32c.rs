//! CRC-32C (Castagnoli), the checksum of every VHDX structure.

const TABLE: [u32; 256] = table();

/// The checksum of `bytes` as if the four bytes from `field_at` were zero: those hold the checksum itself.
pub(super) fn crc32c_without(bytes: &[u8], field_at: usize) -> u32 {
    let (before, rest) = bytes.split_at(field_at.min(bytes.len()));
    let behind = rest.get(4..).unwrap_or_default();
    !update(update(update(!0, before), &[0; 4]), behind)
}

fn update(mut crc: u32, bytes: &[u8]) -> u32 {
    for byte in bytes {
        let [low, ..] = crc.to_le_bytes();
        crc = TABLE[usize::from(low ^ byte)] ^ (crc >> 8);
    }
    crc
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    let mut byte = 0_u32;
    while index < 256 {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_value_is_found() {
        assert_eq!(!update(!0, b"123456789"), 0xE306_9283);
    }

    #[test]
    fn the_field_of_the_checksum_counts_as_zeros() {
        let zeroed = [b"12".as_slice(), &[0; 4], b"789"].concat();
        assert_eq!(crc32c_without(b"12\xFF\xFF\xFF\xFF789", 2), !update(!0, &zeroed));
    }
}
