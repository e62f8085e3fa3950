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
