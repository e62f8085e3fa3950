//! LZNT1, the compression of NTFS ([MS-XCA] 2.5): chunks of up to 4 KiB, each by itself.

use crate::tree::Error;

/// Bytes that one chunk unpacks to, at most.
const CHUNK_BYTES: usize = 4096;

/// Unpacks `packed` into `plain`; what it does not fill stays zero.
pub(super) fn unpack(packed: &[u8], plain: &mut [u8]) -> Result<(), Error> {
    let damaged = || Error::Damaged("a compressed NTFS file cannot be unpacked".to_owned());
    let mut rest = packed;
    for chunk in plain.chunks_mut(CHUNK_BYTES) {
        let [low, high, tail @ ..] = rest else {
            return Ok(());
        };
        let header = u16::from_le_bytes([*low, *high]);
        if header == 0 {
            return Ok(());
        }
        let (bytes, tail) = tail.split_at_checked(usize::from(header & 0xFFF) + 1).ok_or_else(damaged)?;
        if header & 0x8000 == 0 {
            let length = bytes.len().min(chunk.len());
            chunk
                .get_mut(..length)
                .ok_or_else(damaged)?
                .copy_from_slice(bytes.get(..length).ok_or_else(damaged)?);
        } else {
            unpack_chunk(bytes, chunk).ok_or_else(damaged)?;
        }
        rest = tail;
    }
    Ok(())
}

/// Groups of eight: a byte of flags, then for each flag a byte as it is, or a place before and a length.
fn unpack_chunk(packed: &[u8], plain: &mut [u8]) -> Option<()> {
    let (mut from, mut done) = (0, 0);
    while from < packed.len() {
        let flags = *packed.get(from)?;
        from += 1;
        for bit in 0..8 {
            if from >= packed.len() {
                break;
            }
            if flags >> bit & 1 == 0 {
                *plain.get_mut(done)? = *packed.get(from)?;
                from += 1;
                done += 1;
                continue;
            }
            let pair = u16::from_le_bytes([*packed.get(from)?, *packed.get(from + 1)?]);
            from += 2;
            // The further the chunk has come, the more bits tell the place and the fewer the length.
            let mut length_bits = 12_u32;
            while length_bits > 4 && done > 1 << (16 - length_bits) {
                length_bits -= 1;
            }
            let back = usize::from(pair >> length_bits) + 1;
            let length = usize::from(pair & ((1 << length_bits) - 1)) + 3;
            for _ in 0..length {
                let byte = *plain.get(done.checked_sub(back)?)?;
                *plain.get_mut(done)? = byte;
                done += 1;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of [MS-XCA] 3.3.
    const PACKED: [u8; 59] = [
        0x38, 0xB0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xA2, 0x47, 0x01, 0xA0,
        0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xC0, 0x45, 0x20, 0x05, 0x24, 0x13, 0x88,
        0x05, 0xB4, 0x02, 0x4A, 0x44, 0xEF, 0x03, 0x58, 0x02, 0x8C, 0x09, 0x16, 0x01, 0x48, 0x45, 0x00, 0xBE,
        0x00, 0x9E, 0x00, 0x04, 0x01, 0x18, 0x90, 0x00,
    ];
    const PLAIN: &[u8] =
        b"F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D \
        E F# G F# E D E A F# F# G A A G F# E D D E F# E D D\0";

    #[test]
    fn the_example_of_the_specification_unpacks() {
        let mut plain = vec![0; 4096];
        unpack(&PACKED, &mut plain).unwrap();
        assert_eq!(plain.strip_prefix(PLAIN).map(|rest| rest.iter().all(|byte| *byte == 0)), Some(true));
    }

    #[test]
    fn a_place_before_the_beginning_is_damage() {
        // One byte as it is, then two from five places before it.
        let packed = [0x04, 0xB0, 0x02, b'x', 0x00, 0x40, 0x00];
        assert!(unpack(&packed, &mut [0; 4096]).is_err());
    }

    #[test]
    fn a_chunk_that_unpacks_to_more_than_4_kib_is_damage() {
        let packed = [0x03, 0xB0, 0x02, b'x', 0xF8, 0x0F];
        assert!(unpack(&packed, &mut [0; 4096]).is_ok());
        assert!(unpack(&packed, &mut [0; 512]).is_err());
    }

    #[test]
    fn a_chunk_that_is_cut_is_damage() {
        assert!(unpack(&PACKED[..40], &mut [0; 4096]).is_err());
    }
}
