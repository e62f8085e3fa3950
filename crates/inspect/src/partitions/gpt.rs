//! The GUID partition table: two headers, each with its list of entries (UEFI 2.10, 5.3).

use super::{Partition, PartitionKind, TABLE, name, number};
use crate::bytes::{Fields, all_zero, as_usize};
use crate::crc::crc32;
use crate::observation::{Observation, ObservationKind};
use crate::text;
use crate::tree::Error;
use crate::window::Window;

/// What a header begins with.
const SIGNATURE: &[u8; 8] = b"EFI PART";
/// Most bytes of a list of entries; the usual one has 16 KiB.
const MOST_LIST_BYTES: u64 = 1 << 20;

/// A table that can be used, and what was odd about it.
#[derive(Debug)]
pub(super) struct Gpt {
    pub(super) sector_bytes: u64,
    pub(super) partitions: Vec<Partition>,
    pub(super) seen: Vec<Observation>,
}

/// One whole copy of the table.
struct Copy {
    other: u64,
    list: Vec<u8>,
    entry_bytes: usize,
}

/// The GPT of `disk`, if either copy is whole; a budget used up is told, damage is not.
pub(super) fn read(disk: &Window<'_>) -> Result<Option<Gpt>, Error> {
    for sector_bytes in [512, 4096] {
        if let Some(gpt) = read_with(disk, sector_bytes)? {
            return Ok(Some(gpt));
        }
    }
    Ok(None)
}

fn read_with(disk: &Window<'_>, sector_bytes: u64) -> Result<Option<Gpt>, Error> {
    let last = (disk.size_bytes() / sector_bytes).saturating_sub(1);
    let primary = copy(disk, sector_bytes, 1)?;
    let at_end = copy(disk, sector_bytes, last)?;
    let mut seen = Vec::new();
    let mut note = |kind, words: &str| seen.push(Observation::new(kind, TABLE, words));
    let chosen = match (primary, at_end) {
        (Some(primary), Some(backup)) => {
            if primary.list != backup.list {
                note(
                    ObservationKind::GptCopiesDiffer,
                    "the two copies of the GPT tell different partitions; the first is used",
                );
            }
            primary
        }
        (Some(primary), None) => {
            match copy(disk, sector_bytes, primary.other)? {
                Some(_) if primary.other != 1 => note(
                    ObservationKind::GptBackupMisplaced,
                    "the copy of the GPT does not stand in the last sector: the disk was made larger",
                ),
                _ => note(
                    ObservationKind::GptBackupDamaged,
                    "the copy of the GPT at the end of the disk is damaged or missing",
                ),
            }
            primary
        }
        (None, Some(backup)) => {
            note(
                ObservationKind::GptPrimaryDamaged,
                "the first copy of the GPT is damaged; the one at the end of the disk is used",
            );
            backup
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(Gpt { sector_bytes, partitions: chosen.partitions(sector_bytes), seen }))
}

/// The copy whose header stands in sector `at`; `None` when it is not whole.
fn copy(disk: &Window<'_>, sector_bytes: u64, at: u64) -> Result<Option<Copy>, Error> {
    match whole_copy(disk, sector_bytes, at) {
        Ok(copy) => Ok(copy),
        Err(error @ Error::Budget(_)) => Err(error),
        Err(_damaged) => Ok(None),
    }
}

fn whole_copy(disk: &Window<'_>, sector_bytes: u64, at: u64) -> Result<Option<Copy>, Error> {
    let start = at.checked_mul(sector_bytes).filter(|_| at > 0);
    let Some(sector) = start.and_then(|start| disk.part(start, sector_bytes)) else {
        return Ok(None);
    };
    let mut sector = sector.bytes(0, sector_bytes)?;
    let fields = Fields::new("GPT header", &sector);
    if fields.array::<8>(0)? != *SIGNATURE {
        return Ok(None);
    }
    let header_bytes = as_usize(fields.le_u32(12)?.into());
    let (sum, own, other) = (fields.le_u32(16)?, fields.le_u64(24)?, fields.le_u64(32)?);
    let (list_at, count) = (fields.le_u64(72)?, u64::from(fields.le_u32(80)?));
    let (entry_bytes, list_sum) = (u64::from(fields.le_u32(84)?), fields.le_u32(88)?);
    let is_sane = (92..=sector.len()).contains(&header_bytes)
        && own == at
        && (128..=4096).contains(&entry_bytes)
        && entry_bytes.is_power_of_two();
    let list_bytes = count.checked_mul(entry_bytes).filter(|bytes| (1..=MOST_LIST_BYTES).contains(bytes));
    let (true, Some(list_bytes)) = (is_sane, list_bytes) else {
        return Ok(None);
    };
    if let Some(field) = sector.get_mut(16..20) {
        field.fill(0);
    }
    if crc32(sector.get(..header_bytes).unwrap_or_default()) != sum {
        return Ok(None);
    }
    let list = list_at.checked_mul(sector_bytes).and_then(|start| disk.part(start, list_bytes));
    let Some(list) = list else {
        return Ok(None);
    };
    let list = list.bytes(0, list_bytes)?;
    if crc32(&list) != list_sum {
        return Ok(None);
    }
    Ok(Some(Copy { other, list, entry_bytes: as_usize(entry_bytes) }))
}

impl Copy {
    /// The entries in use; one that ends before it begins gets no length.
    fn partitions(&self, sector_bytes: u64) -> Vec<Partition> {
        let entries = self.list.chunks_exact(self.entry_bytes).enumerate();
        entries.filter_map(|(index, entry)| partition(index, entry, sector_bytes)).collect()
    }
}

fn partition(index: usize, entry: &[u8], sector_bytes: u64) -> Option<Partition> {
    let fields = Fields::new("GPT entry", entry);
    let kind = fields.array::<16>(0).ok()?;
    if all_zero(&kind) {
        return None;
    }
    let (first, last) = (fields.le_u64(32).ok()?, fields.le_u64(40).ok()?);
    let sectors = last.checked_add(1).and_then(|end| end.checked_sub(first)).unwrap_or(0);
    Some(Partition {
        number: number(index),
        kind: PartitionKind::Gpt(text::guid(kind)),
        name: name(fields.slice(56, 72).ok()?),
        id: text::guid(fields.array(16).ok()?),
        first_byte: first.saturating_mul(sector_bytes),
        size_bytes: sectors.saturating_mul(sector_bytes),
        active: fields.le_u64(48).ok()? & 4 != 0,
    })
}
