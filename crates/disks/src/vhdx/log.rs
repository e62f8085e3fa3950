//! The log of a VHDX that was not closed: changes to its tables, applied in memory.
//!
//! The log is a ring of entries. The newest whole entry names the oldest that is still needed; those
//! between them are applied in order. A log that is there but makes no sense is a refusal, because
//! without it the tables are of no known state.

use std::collections::BTreeMap;
use std::ops::Range;

use super::HEADER_SECTION_BYTES;
use super::crc32c::crc32c_without;
use super::headers::{CHECKSUM_AT, Header};
use super::overlay::{Overlay, Patch, SECTOR_BYTES};
use crate::bytes::{self, Fields, as_u64, as_usize};
use crate::{Error, Limits, ReadAt};

/// The largest log that is applied, in bytes. Hyper-V makes logs of 1 MiB.
const LOG_LIMIT_BYTES: u64 = 64 << 20;
/// The most changes that are held in memory.
const PATCH_LIMIT: usize = 16_384;
/// How much a log may let the file grow, in bytes.
const GROWTH_LIMIT_BYTES: u64 = 1 << 30;
/// How often each byte of the log may be summed on average: entries overlap only in hostile logs.
const SUM_LIMIT_FACTOR: u64 = 4;
/// Bytes of an entry's own header, and of each descriptor behind it.
const ENTRY_HEADER_BYTES: usize = 64;
const DESCRIPTOR_BYTES: usize = 32;

/// A whole entry of the log.
struct Entry {
    sequence: u64,
    /// From the start of the log, in bytes.
    position: usize,
    length: usize,
    tail: usize,
    descriptor_count: usize,
    flushed_bytes: u64,
    last_bytes: u64,
}

/// The log in memory; positions wrap around.
struct Ring {
    bytes: Vec<u8>,
}

/// `file` with the pending changes of its log. The log lies inside the file.
pub(super) fn replay(
    file: Box<dyn ReadAt>,
    header: &Header,
    limits: &Limits,
) -> Result<Box<dyn ReadAt>, Error> {
    let region = header.log_region()?.ok_or_else(|| Error::corrupt("the VHDX has a log without a place"))?;
    let length = region.end - region.start;
    if length > LOG_LIMIT_BYTES.min(limits.table_bytes) {
        return Err(Error::limit(format!("the VHDX log has {length} bytes, too many to apply it in memory")));
    }
    let ring = Ring { bytes: bytes::read(file.as_ref(), "VHDX log", region.start, as_usize(length)?)? };
    let entries = ring.active_entries(header)?;
    let file_bytes = file.length()?;
    let newest = entries.last().ok_or_else(no_sequence)?;
    if file_bytes < newest.flushed_bytes {
        return Err(Error::truncated(format!(
            "the VHDX log expects a file of {} bytes; it has {file_bytes}",
            newest.flushed_bytes
        )));
    }
    let new_length = file_bytes.max(newest.last_bytes);
    if new_length - file_bytes > GROWTH_LIMIT_BYTES {
        return Err(Error::corrupt("the VHDX log lets the file grow beyond reason"));
    }
    let mut patches = Vec::new();
    for entry in &entries {
        ring.collect_patches(entry, &region, new_length, &mut patches)?;
    }
    Ok(Box::new(Overlay::new(file, new_length, patches)?))
}

impl Ring {
    /// The entries that must be applied, oldest first.
    fn active_entries(&self, header: &Header) -> Result<Vec<Entry>, Error> {
        let mut whole = self.whole_entries(header)?;
        let newest = whole.values().max_by_key(|entry| entry.sequence).ok_or_else(no_sequence)?;
        let (head, mut at) = (newest.position, newest.tail);
        let mut entries: Vec<Entry> = Vec::new();
        // Each turn takes an entry away, so a ring without an end runs dry.
        loop {
            let entry = whole.remove(&at).ok_or_else(no_sequence)?;
            let follows =
                entries.last().is_none_or(|last| last.sequence.checked_add(1) == Some(entry.sequence));
            if !follows {
                return Err(no_sequence());
            }
            at = (entry.position + entry.length) % self.bytes.len();
            let is_head = entry.position == head;
            entries.push(entry);
            if is_head {
                return Ok(entries);
            }
        }
    }

    /// All entries of this log that are whole, by position.
    fn whole_entries(&self, header: &Header) -> Result<BTreeMap<usize, Entry>, Error> {
        let mut whole = BTreeMap::new();
        let mut summed_bytes = 0;
        for position in (0..self.bytes.len()).step_by(SECTOR_BYTES) {
            let Some(entry) = self.plausible_entry(position, header)? else { continue };
            summed_bytes += as_u64(entry.length);
            if summed_bytes > as_u64(self.bytes.len()) * SUM_LIMIT_FACTOR {
                return Err(Error::corrupt("the entries of the VHDX log overlap"));
            }
            let bytes = self.read(position, entry.length);
            if Fields::new("VHDX log entry", &bytes).le_u32(CHECKSUM_AT)?
                == crc32c_without(&bytes, CHECKSUM_AT)
            {
                whole.insert(position, entry);
            }
        }
        Ok(whole)
    }

    /// The entry at `position`, if what stands there could be one; its checksum is not looked at yet.
    fn plausible_entry(&self, position: usize, header: &Header) -> Result<Option<Entry>, Error> {
        let bytes = self.read(position, ENTRY_HEADER_BYTES);
        let fields = Fields::new("VHDX log entry", &bytes);
        if fields.slice(0, 4)? != b"loge" || fields.array(32)? != header.log_guid {
            return Ok(None);
        }
        let entry = Entry {
            sequence: fields.le_u64(16)?,
            position,
            length: as_usize(fields.le_u32(8)?.into())?,
            tail: as_usize(fields.le_u32(12)?.into())?,
            descriptor_count: as_usize(fields.le_u32(24)?.into())?,
            flushed_bytes: fields.le_u64(48)?,
            last_bytes: fields.le_u64(56)?,
        };
        let is_sound = entry.sequence > 0
            && entry.length > 0
            && entry.length <= self.bytes.len()
            && entry.length.is_multiple_of(SECTOR_BYTES)
            && entry.tail < self.bytes.len()
            && entry.tail.is_multiple_of(SECTOR_BYTES)
            && entry.descriptor_count <= entry.length / DESCRIPTOR_BYTES;
        Ok(is_sound.then_some(entry))
    }

    /// Checks every descriptor of `entry` and appends what it changes.
    fn collect_patches(
        &self,
        entry: &Entry,
        log: &Range<u64>,
        file_bytes: u64,
        patches: &mut Vec<Patch>,
    ) -> Result<(), Error> {
        let bytes = self.read(entry.position, entry.length);
        let fields = Fields::new("VHDX log entry", &bytes);
        let mut sector_at =
            (ENTRY_HEADER_BYTES + entry.descriptor_count * DESCRIPTOR_BYTES).next_multiple_of(SECTOR_BYTES);
        for index in 0..entry.descriptor_count {
            let at = ENTRY_HEADER_BYTES + index * DESCRIPTOR_BYTES;
            if fields.le_u64(at + 24)? != entry.sequence {
                return Err(Error::corrupt("a descriptor of the VHDX log belongs to another entry"));
            }
            let offset = fields.le_u64(at + 16)?;
            let (length, patch) = match fields.slice(at, 4)? {
                b"zero" => {
                    let length = fields.le_u64(at + 8)?;
                    (length, Patch::Zeros(offset, length))
                }
                b"desc" => {
                    let sector = restore_sector(&fields, at, sector_at, entry.sequence)?;
                    sector_at += SECTOR_BYTES;
                    (as_u64(SECTOR_BYTES), Patch::Sector(offset, sector))
                }
                _ => return Err(Error::corrupt("the VHDX log has a descriptor of an unknown kind")),
            };
            check_target(offset, length, log, file_bytes)?;
            if patches.len() >= PATCH_LIMIT {
                return Err(Error::limit(format!("the VHDX log makes more than {PATCH_LIMIT} changes")));
            }
            patches.push(patch);
        }
        Ok(())
    }

    /// `length` bytes from `position`, wrapping around; neither is larger than the ring.
    fn read(&self, position: usize, length: usize) -> Vec<u8> {
        let (before, from) = self.bytes.split_at(position.min(self.bytes.len()));
        from.iter().chain(before).take(length).copied().collect()
    }
}

/// A sector's content: its first eight and last four bytes stand in the descriptor, where the log needs its own marks.
fn restore_sector(
    fields: &Fields<'_>,
    descriptor_at: usize,
    sector_at: usize,
    sequence: u64,
) -> Result<Box<[u8; SECTOR_BYTES]>, Error> {
    let missing = |_ends| Error::corrupt("an entry of the VHDX log has fewer sectors than it describes");
    let mut sector: [u8; SECTOR_BYTES] = fields.array(sector_at).map_err(missing)?;
    let high = fields.le_u32(sector_at + 4)?;
    let low = fields.le_u32(sector_at + SECTOR_BYTES - 4)?;
    if !sector.starts_with(b"data") || (u64::from(high) << 32 | u64::from(low)) != sequence {
        return Err(Error::corrupt("a sector of the VHDX log belongs to another entry"));
    }
    sector[..8].copy_from_slice(fields.slice(descriptor_at + 8, 8)?);
    sector[SECTOR_BYTES - 4..].copy_from_slice(fields.slice(descriptor_at + 4, 4)?);
    Ok(Box::new(sector))
}

/// A log changes whole sectors of the file behind the headers, and never itself.
fn check_target(offset: u64, length: u64, log: &Range<u64>, file_bytes: u64) -> Result<(), Error> {
    let sector_bytes = as_u64(SECTOR_BYTES);
    let end = offset.checked_add(length).filter(|end| *end <= file_bytes);
    let is_whole = offset.is_multiple_of(sector_bytes) && length.is_multiple_of(sector_bytes);
    match end {
        Some(end)
            if is_whole && offset >= HEADER_SECTION_BYTES && (end <= log.start || offset >= log.end) =>
        {
            Ok(())
        }
        _ => Err(Error::corrupt(format!(
            "the VHDX log changes {length} bytes at offset {offset}, which it must not"
        ))),
    }
}

fn no_sequence() -> Error {
    Error::corrupt("the VHDX was not closed, and its log does not hold what is needed to mend it")
}
