//! Virtual PC / Azure VHD: fixed (data, then a footer) and dynamic (blocks found through a table).
//!
//! The disk's size is the footer's current size, never its cylinders, heads and sectors.
//! Differencing disks name other files and are refused. See "Virtual Hard Disk Image Format Specification", 1.0.

mod dynamic;
mod footer;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use self::writer::{write_dynamic, write_fixed};

use self::dynamic::Dynamic;
use self::footer::{DiskType, FOOTER_BYTES, Footer};
use crate::bytes::as_u64;
use crate::raw::{Raw, check_size};
use crate::{Blocks, Disk, Error, Limits, ReadAt, bytes};

/// The footer behind a disk of `size_bytes` that makes it a fixed VHD, and the same for the same `identity`.
#[must_use]
pub fn fixed_vhd_footer(size_bytes: u64, identity: [u8; 16]) -> [u8; 512] {
    Footer::build(DiskType::Fixed, size_bytes, identity)
}

/// Whether `sector` is the footer that makes a fixed VHD of the `data_bytes` before it.
#[must_use]
pub fn is_fixed_vhd_footer(sector: &[u8; 512], data_bytes: u64) -> bool {
    Footer::parse(sector).is_ok_and(|footer| {
        footer.disk_type == DiskType::Fixed && footer.current_bytes == data_bytes && data_bytes > 0
    })
}

/// Opens a VHD.
pub(crate) fn open(file: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    let file_bytes = file.length()?;
    let end = read_end_footer(file.as_ref(), file_bytes)?;
    let footer = Footer::parse(&end)?;
    // A foreign size is bounded before anything is computed from it.
    check_size(footer.current_bytes, limits)?;
    let warnings = if footer.saved_state {
        vec!["The VHD was saved with a running machine; its file systems may be dirty.".to_owned()]
    } else {
        Vec::new()
    };
    let data_bytes = file_bytes - as_u64(FOOTER_BYTES);
    let blocks: Box<dyn Blocks> = match footer.disk_type {
        DiskType::Fixed => {
            check_fixed(footer.current_bytes, data_bytes)?;
            Box::new(Raw::new(file, footer.current_bytes))
        }
        DiskType::Dynamic => Box::new(Dynamic::open(file, &end, &footer, data_bytes, limits)?),
    };
    Ok(Disk { blocks, warnings })
}

/// The last sector, where a footer must stand; says what is probably wrong when there is none.
fn read_end_footer(file: &dyn ReadAt, file_bytes: u64) -> Result<[u8; FOOTER_BYTES], Error> {
    if file_bytes < as_u64(FOOTER_BYTES) || !file_bytes.is_multiple_of(512) {
        return Err(Error::truncated(format!(
            "a VHD consists of whole 512-byte sectors; this file has {file_bytes} bytes, so a part of it is missing"
        )));
    }
    let mut end = [0; FOOTER_BYTES];
    file.read_exact_at(&mut end, file_bytes - as_u64(FOOTER_BYTES))?;
    if Footer::has_cookie(&end) {
        return Ok(end);
    }
    let start = bytes::read(file, "first sector", 0, FOOTER_BYTES)?;
    if Footer::has_cookie(&start) {
        return Err(Error::truncated("the VHD has no footer at its end: a part of the file is missing"));
    }
    Err(Error::mismatch(
        "the file has no VHD footer at its end; it is not a VHD (declare it as raw?) or its end is missing",
    ))
}

fn check_fixed(current_bytes: u64, data_bytes: u64) -> Result<(), Error> {
    if data_bytes < current_bytes {
        return Err(Error::truncated(format!(
            "the VHD footer promises {current_bytes} bytes of disk; the file holds {data_bytes}"
        )));
    }
    if data_bytes > current_bytes {
        return Err(Error::corrupt(format!(
            "the VHD footer says {current_bytes} bytes of disk; {data_bytes} stand before it"
        )));
    }
    Ok(())
}
