//! Hyper-V VHDX: fixed and dynamic.
//!
//! A log that was not applied yet is applied in memory; the file is never written. Differencing disks are
//! refused. See \[MS-VHDX\], version 1.

mod blocks;
mod crc32c;
mod headers;
mod log;
mod metadata;
mod overlay;
mod regions;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use self::writer::write;

use self::blocks::Payload;
use self::headers::Header;
use self::metadata::Metadata;
use self::regions::Regions;
use crate::bytes::lies_inside;
use crate::layout::{Layout, Structure};
use crate::{Disk, Error, Limits, ReadAt};

/// What all large structures are aligned to, in bytes.
const MIB: u64 = 1 << 20;
/// The first MiB: identifier, headers, region tables.
const HEADER_SECTION_BYTES: u64 = MIB;

/// A GUID as it stands in the file.
type Guid = [u8; 16];

/// Opens a VHDX.
pub(crate) fn open(file: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    lies_inside(file.as_ref(), "VHDX header section", 0, HEADER_SECTION_BYTES)?;
    let header = Header::read_current(file.as_ref())?;
    let mut structures = vec![Structure::new("VHDX header section", 0, HEADER_SECTION_BYTES)];
    if let Some(log) = header.log_region()? {
        lies_inside(file.as_ref(), "VHDX log", log.start, log.end - log.start)?;
        structures.push(Structure::new("VHDX log", log.start, log.end - log.start));
    }
    let (file, warnings) = if header.has_pending_log() {
        let replayed = log::replay(file, &header, limits)?;
        (replayed, vec!["The VHDX was not closed cleanly; its log was applied while reading.".to_owned()])
    } else {
        (file, Vec::new())
    };
    let regions = Regions::read(file.as_ref())?;
    structures.extend(regions.structures());
    let layout = Layout::new(structures)?;
    let metadata = Metadata::read(file.as_ref(), &regions.metadata, limits)?;
    let payload = Payload::open(file, &regions.table, &metadata, &layout, limits)?;
    Ok(Disk { blocks: Box::new(payload), warnings })
}
