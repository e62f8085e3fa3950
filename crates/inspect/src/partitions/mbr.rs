//! The master boot record and the chain of extended boot records behind it.

use super::{Partition, PartitionKind};
use crate::bytes::Fields;
use crate::tree::Error;
use crate::window::Window;

/// Sectors of an MBR are always these, whatever the drive says.
const SECTOR_BYTES: u64 = 512;
/// Most links of the chain of logical partitions that are followed.
const MOST_LINKS: usize = 64;
/// Types of partitions that hold logical ones: CHS, LBA, Linux.
const EXTENDED: [u8; 3] = [0x05, 0x0F, 0x85];
/// The type that announces a GPT.
const PROTECTIVE: u8 = 0xEE;

/// The four entries of a boot record.
#[derive(Debug)]
pub(super) struct Record {
    /// What Linux makes `PARTUUID`s of.
    disk_id: u32,
    entries: [Entry; 4],
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    active: bool,
    kind: u8,
    first: u32,
    sectors: u32,
}

impl Entry {
    fn is_used(self) -> bool {
        self.kind != 0 && self.sectors != 0
    }
}

impl Record {
    /// `None` when the sector is no boot record with a table: no signature, or flags that no table has.
    ///
    /// The boot sector of a file system ends in the same signature; where a table would be it has code or text.
    pub(super) fn parse(sector: &[u8]) -> Option<Self> {
        let fields = Fields::new("master boot record", sector);
        if fields.le_u16(510).ok()? != 0xAA55 {
            return None;
        }
        let mut entries = [Entry { active: false, kind: 0, first: 0, sectors: 0 }; 4];
        for (entry, at) in entries.iter_mut().zip((446..).step_by(16)) {
            let flag = fields.u8(at).ok()?;
            if flag & 0x7F != 0 {
                return None;
            }
            *entry = Entry {
                active: flag == 0x80,
                kind: fields.u8(at + 4).ok()?,
                first: fields.le_u32(at + 8).ok()?,
                sectors: fields.le_u32(at + 12).ok()?,
            };
        }
        Some(Self { disk_id: fields.le_u32(440).ok()?, entries })
    }

    pub(super) fn announces_gpt(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind == PROTECTIVE)
    }

    /// Whether it lists anything but the announcement.
    pub(super) fn has_partitions(&self) -> bool {
        self.entries.iter().any(|entry| entry.is_used() && entry.kind != PROTECTIVE)
    }
}

/// The partitions of `record`, and whether the chain of logical ones was cut short.
pub(super) fn partitions(disk: &Window<'_>, record: &Record) -> Result<(Vec<Partition>, bool), Error> {
    let mut partitions = Vec::new();
    let mut cut = false;
    let mut logical = 5;
    for (entry, number) in record.entries.iter().zip(1..) {
        if !entry.is_used() {
            continue;
        }
        partitions.push(partition(record.disk_id, number, *entry, 0));
        if EXTENDED.contains(&entry.kind) {
            // The container of the others is not looked into itself, and overlaps them by design.
            partitions.pop();
            cut |= chain(disk, record.disk_id, *entry, &mut logical, &mut partitions)?;
        }
    }
    Ok((partitions, cut))
}

/// Follows the chain of extended boot records; tells whether it was cut short.
fn chain(
    disk: &Window<'_>,
    disk_id: u32,
    container: Entry,
    number: &mut u32,
    into: &mut Vec<Partition>,
) -> Result<bool, Error> {
    let base = u64::from(container.first);
    let mut visited = vec![base];
    let mut at = base;
    loop {
        let Some(sector) = disk.part(at * SECTOR_BYTES, SECTOR_BYTES) else {
            return Ok(true);
        };
        let Some(record) = Record::parse(&sector.bytes(0, SECTOR_BYTES)?) else {
            return Ok(false);
        };
        let [own, next, ..] = record.entries;
        if own.is_used() {
            into.push(partition(disk_id, *number, own, at));
            *number += 1;
        }
        if !next.is_used() || !EXTENDED.contains(&next.kind) {
            return Ok(false);
        }
        at = base + u64::from(next.first);
        if visited.contains(&at) || visited.len() >= MOST_LINKS {
            return Ok(true);
        }
        visited.push(at);
    }
}

fn partition(disk_id: u32, number: u32, entry: Entry, base: u64) -> Partition {
    Partition {
        number,
        kind: PartitionKind::Mbr(entry.kind),
        name: String::new(),
        id: format!("{disk_id:08x}-{number:02x}"),
        first_byte: (base + u64::from(entry.first)) * SECTOR_BYTES,
        size_bytes: u64::from(entry.sectors) * SECTOR_BYTES,
        active: entry.active,
    }
}
