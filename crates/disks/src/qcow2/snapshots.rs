//! Internal snapshots: counted, checked, and left behind.

use super::header::Header;
use super::refcounts::Refcounts;
use super::usage::Usage;
use crate::bytes::{self, Fields};
use crate::{Error, ReadAt};

/// Bytes of an entry before its parts of varying length.
const ENTRY_BYTES: u64 = 40;
/// Most bytes of extra data an entry may have, as QEMU says.
const EXTRA_LIMIT_BYTES: u32 = 1024;
/// Most entries a snapshot's first-level table may have.
const L1_LIMIT: u32 = 4 << 20;

/// Checks that the snapshot table and the tables it names are in the file and nothing else's; returns a warning.
///
/// What only snapshots hold is never read, so it is not part of the disk.
pub(super) fn check(
    file: &dyn ReadAt,
    header: &Header,
    refcounts: &Refcounts,
    usage: &mut Usage,
) -> Result<Option<String>, Error> {
    if header.snapshot_count == 0 {
        return Ok(None);
    }
    let geometry = header.geometry;
    geometry.aligned("snapshot table", header.snapshot_offset)?;
    let mut at = header.snapshot_offset;
    for _ in 0..header.snapshot_count {
        table_has(file, header, refcounts, at, ENTRY_BYTES)?;
        let entry = bytes::read(file, "snapshot", at, 40)?;
        let fields = Fields::new("snapshot", &entry);
        let (l1_offset, l1_entries) = (fields.be_u64(0)?, fields.be_u32(8)?);
        let extra = fields.be_u32(36)?;
        if extra > EXTRA_LIMIT_BYTES || l1_entries > L1_LIMIT {
            return Err(Error::corrupt(format!("the snapshot at offset {at} has impossible lengths")));
        }
        let names = u64::from(fields.be_u16(12)?) + u64::from(fields.be_u16(14)?);
        let length = (ENTRY_BYTES + u64::from(extra) + names).next_multiple_of(8);
        // The padding behind the last entry need not be there.
        table_has(file, header, refcounts, at, length - 7)?;
        at = at.saturating_add(length);
        if l1_entries > 0 {
            let l1_bytes = u64::from(l1_entries) * 8;
            geometry.aligned("L1 table of a snapshot", l1_offset)?;
            geometry.inside("L1 table of a snapshot", l1_offset, l1_bytes)?;
            usage.claim_structure("L1 table of a snapshot", l1_offset, l1_bytes)?;
        }
    }
    usage.claim_structure("snapshot table", header.snapshot_offset, at - 7 - header.snapshot_offset)?;
    Ok(Some(format!(
        "InternalSnapshotsDropped: the image holds {} internal snapshots; only its current state was read.",
        header.snapshot_count
    )))
}

/// A place that the refcounts know and the file lacks was cut off; one that neither knows never was.
fn table_has(
    file: &dyn ReadAt,
    header: &Header,
    refcounts: &Refcounts,
    offset: u64,
    length: u64,
) -> Result<(), Error> {
    let last = offset.saturating_add(length - 1);
    match header.geometry.inside("snapshot table", offset, length) {
        Err(_) if refcounts.of(file, last)? == 0 => {
            Err(Error::corrupt(format!("the snapshot table cannot be at offset {offset}")))
        }
        outcome => outcome,
    }
}
