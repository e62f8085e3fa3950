//! The label of a physical volume, and the ring of metadata behind it.

use crate::bytes::{Fields, as_usize};
use crate::crc::crc32_from;
use crate::tree::Error;
use crate::window::Window;

/// What LVM begins its checksums with.
const SEED: u32 = 0xF597_A6CF;
/// What a metadata area begins with, after its checksum.
const AREA_MAGIC: &[u8; 16] = b" LVM2 x[5A%r0N*>";
/// The text begins after the area's header, and comes back to there.
const AREA_HEADER_BYTES: u64 = 512;
/// Longest metadata read.
const MOST_TEXT_BYTES: u64 = 4 << 20;

/// A physical volume.
pub(super) struct Physical {
    /// Its identifier, without dashes.
    pub(super) id: String,
    /// The newest text of each of its metadata areas; one that is damaged is left out while another is whole.
    pub(super) metadata: Vec<Vec<u8>>,
}

impl Physical {
    pub(super) fn read(volume: &Window<'_>) -> Result<Self, Error> {
        let head = volume.bytes(0, volume.size_bytes().min(4096))?;
        let sector = head
            .chunks(512)
            .take(4)
            .find(|sector| sector.starts_with(b"LABELONE"))
            .ok_or_else(|| Error::Damaged("the label of the physical volume is gone".to_owned()))?;
        let fields = Fields::new("LVM label", sector);
        if crc32_from(SEED, fields.slice(20, 492)?) != fields.le_u32(16)? {
            return Err(Error::Damaged("the checksum of the LVM label is wrong".to_owned()));
        }
        let header = as_usize(fields.le_u32(20)?.into());
        let id = fields.slice(header, 32)?.iter().map(|byte| char::from(*byte)).collect();
        // First the areas of data, then those of metadata, each list ended by an empty one.
        let mut at = header + 40;
        while area(&fields, at)?.is_some() {
            at += 16;
        }
        at += 16;
        let (mut metadata, mut failure) = (Vec::new(), None);
        while let Some((start, length)) = area(&fields, at)? {
            match newest(volume, start, length) {
                Ok(text) => metadata.extend(text),
                Err(error) => failure = Some(error),
            }
            at += 16;
        }
        match failure {
            Some(error) if metadata.is_empty() => Err(error),
            _ => Ok(Self { id, metadata }),
        }
    }
}

fn area(fields: &Fields<'_>, at: usize) -> Result<Option<(u64, u64)>, Error> {
    let start = fields.le_u64(at)?;
    Ok((start != 0).then_some((start, fields.le_u64(at + 8)?)))
}

/// The text that the area at `start` points at; `None` when it holds none.
fn newest(volume: &Window<'_>, start: u64, length: u64) -> Result<Option<Vec<u8>>, Error> {
    let damaged = |what: &str| Error::Damaged(format!("the LVM metadata area {what}"));
    let area = volume.part(start, length).ok_or_else(|| damaged("reaches past the end of the volume"))?;
    let header = area.bytes(0, AREA_HEADER_BYTES)?;
    let fields = Fields::new("LVM metadata area", &header);
    if fields.array(4)? != *AREA_MAGIC || crc32_from(SEED, fields.slice(4, 508)?) != fields.le_u32(0)? {
        return Err(damaged("has no whole header"));
    }
    let (offset, text_bytes, sum) = (fields.le_u64(40)?, fields.le_u64(48)?, fields.le_u32(56)?);
    // Bit 0: this copy is not to be used.
    if offset == 0 || text_bytes == 0 || fields.le_u32(60)? & 1 == 1 {
        return Ok(None);
    }
    if text_bytes > MOST_TEXT_BYTES || offset < AREA_HEADER_BYTES || offset >= length {
        return Err(damaged("points outside itself"));
    }
    // What is read of it takes several times its length.
    volume.meter().keep(text_bytes * 8)?;
    // The area is a ring: what does not fit before its end goes on after the header.
    let first = text_bytes.min(length - offset);
    let mut text = area.bytes(offset, first)?;
    text.extend(area.bytes(AREA_HEADER_BYTES, text_bytes - first)?);
    if crc32_from(SEED, &text) != sum {
        return Err(damaged("holds text whose checksum is wrong"));
    }
    Ok(Some(text))
}
