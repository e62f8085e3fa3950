//! QEMU qcow2, versions 2 and 3.
//!
//! An image is surveyed whole when it is opened: header, extensions, refcounts, snapshots, tables. What is
//! read afterwards is known to lie inside the file and to be used for one thing. Nothing outside the file is ever opened.

mod blocks;
mod entry;
mod extensions;
mod header;
mod refcounts;
mod snapshots;
mod survey;
#[cfg(test)]
mod tests;
mod unpack;
mod usage;
mod writer;

use self::blocks::Qcow2;
use self::header::Header;
use self::refcounts::Refcounts;
use self::survey::Survey;
use self::usage::Usage;
use crate::bytes::{self, as_usize};
use crate::{Disk, Error, Limits, ReadAt};

pub(crate) use self::writer::write;

/// Opens an image that needs no other file.
pub(crate) fn open(file: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    let header = Header::read(file.as_ref(), limits)?;
    let geometry = header.geometry;
    let mut usage = Usage::new(geometry, limits)?;
    usage.claim_structure("header", 0, geometry.cluster_bytes())?;
    let mut warnings = extensions::check(file.as_ref(), &header, &mut usage)?;
    let refcounts = Refcounts::read(file.as_ref(), &header, &mut usage)?;
    let l1 = read_l1(file.as_ref(), &header, &mut usage)?;
    warnings.extend(snapshots::check(file.as_ref(), &header, &refcounts, &mut usage)?);
    Survey::new(file.as_ref(), geometry, &mut usage).run(&l1)?;
    let uncounted = refcounts.check(file.as_ref(), &usage)?;
    if uncounted > 0 {
        warnings.push(format!(
            "The refcounts of {uncounted} clusters in use are zero; the image was not closed well."
        ));
    }
    if header.is_dirty {
        warnings.push("The image is marked as in use; its last writes may be missing.".to_owned());
    }
    let blocks = Qcow2::new(file, geometry, header.compression, l1)?;
    Ok(Disk { blocks: Box::new(blocks), warnings })
}

/// The part of the first-level table that the disk needs.
fn read_l1(file: &dyn ReadAt, header: &Header, usage: &mut Usage) -> Result<Vec<u64>, Error> {
    let (offset, length) = (header.l1_offset, header.l1_entries * 8);
    header.geometry.aligned("L1 table", offset)?;
    header.geometry.inside("L1 table", offset, length)?;
    usage.claim_structure("L1 table", offset, length)?;
    let table = bytes::read(file, "L1 table", offset, as_usize(length)?)?;
    let (entries, _) = table.as_chunks::<8>();
    Ok(entries.iter().map(|entry| u64::from_be_bytes(*entry)).collect())
}
