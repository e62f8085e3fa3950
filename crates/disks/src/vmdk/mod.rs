//! VMware VMDK in one file (monolithicSparse, streamOptimized), and monolithicFlat from its two files.
//!
//! All that a file says about other files is a reason to refuse it: names in descriptors are never opened,
//! and never repeated in messages.

mod blocks;
mod descriptor;
mod header;
mod survey;
#[cfg(test)]
mod tests;
mod writer;

use self::blocks::Sparse;
use self::descriptor::{Descriptor, Kind};
use self::header::{Geometry, Header};
use crate::bytes::{self, as_u64, as_usize};
use crate::raw::{Raw, check_size};
use crate::{Disk, Error, Limits, ReadAt};

pub(crate) use self::writer::write;

/// The unit of all offsets, in bytes.
const SECTOR_BYTES: u64 = 512;
/// Entries in one grain table, and the sectors that it takes.
const ENTRIES_PER_TABLE: u64 = 512;
const TABLE_SECTORS: u64 = 4;
/// The offset of a grain directory that stands at the end of the file.
const DIRECTORY_AT_END: u64 = u64::MAX;
/// The largest descriptor that is read, in bytes.
const DESCRIPTOR_LIMIT_BYTES: u64 = 1 << 20;

/// What a marker of a streamed file announces.
const MARKER_END: u32 = 0;
const MARKER_TABLE: u32 = 1;
const MARKER_DIRECTORY: u32 = 2;
const MARKER_FOOTER: u32 = 3;

/// Opens a VMDK that is one file.
pub(crate) fn open(file: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    let header = Header::read(file.as_ref())?;
    let descriptor = read_descriptor(file.as_ref(), &header)?;
    if descriptor.kind == Kind::MonolithicFlat {
        return Err(Error::external_reference(
            "the descriptor inside the VMDK keeps the data in another file",
        ));
    }
    let geometry = Geometry::new(&header, descriptor.sectors, file.length()?, limits)?;
    let directory = survey::run(file.as_ref(), &header, &geometry, limits)?;
    let mut warnings = Vec::new();
    if header.is_unclean {
        warnings.push("The image is marked as in use; its last writes may be missing.".to_owned());
    }
    Ok(Disk { blocks: Box::new(Sparse::new(file, geometry, directory)?), warnings })
}

/// Opens the descriptor and the one extent of a monolithicFlat VMDK.
pub(crate) fn open_flat(descriptor: &[u8], extent: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    if as_u64(descriptor.len()) > DESCRIPTOR_LIMIT_BYTES {
        return Err(Error::limit(format!("the VMDK descriptor has {} bytes", descriptor.len())));
    }
    let descriptor = Descriptor::parse(descriptor)?;
    if descriptor.kind != Kind::MonolithicFlat {
        return Err(Error::mismatch(
            "the descriptor is not that of a monolithicFlat VMDK; upload the one VMDK file",
        ));
    }
    let size_bytes = bytes_of(descriptor.sectors)?;
    check_size(size_bytes, limits)?;
    let extent_bytes = extent.length()?;
    if extent_bytes < size_bytes {
        return Err(Error::truncated(format!(
            "the extent has {extent_bytes} bytes; its descriptor says {size_bytes}"
        )));
    }
    if extent_bytes > size_bytes {
        return Err(Error::corrupt(format!(
            "the extent has {extent_bytes} bytes, more than the {size_bytes} of its descriptor"
        )));
    }
    Ok(Disk { blocks: Box::new(Raw::new(extent, size_bytes)), warnings: Vec::new() })
}

fn read_descriptor(file: &dyn ReadAt, header: &Header) -> Result<Descriptor, Error> {
    if header.descriptor_sector == 0 || header.descriptor_sectors == 0 {
        return Err(Error::unsupported(
            "the VMDK has no descriptor: it is a part of a disk of several files",
        ));
    }
    let length = bytes_of(header.descriptor_sectors)?;
    if length > DESCRIPTOR_LIMIT_BYTES {
        return Err(Error::limit(format!("the VMDK descriptor has {length} bytes")));
    }
    let offset = bytes_of(header.descriptor_sector)?;
    Descriptor::parse(&bytes::read(file, "VMDK descriptor", offset, as_usize(length)?)?)
}

/// Sectors in bytes; more than can be counted is over every limit.
fn bytes_of(sectors: u64) -> Result<u64, Error> {
    sectors.checked_mul(SECTOR_BYTES).ok_or_else(|| Error::limit(format!("{sectors} sectors cannot be")))
}
