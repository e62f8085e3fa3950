//! How a disk is divided: MBR with logical partitions, GPT with its copy, or not at all.
//!
//! Rules: a GPT counts only when the MBR announces it (UEFI 2.10, 5.2.3) or there is no MBR at all; a damaged first copy
//! gives way to the one at the end; at most 128 partitions are told, at most 64 logical ones followed, no sector twice.

mod gpt;
mod mbr;

use crate::bytes::{all_zero, as_u64};
use crate::observation::{Observation, ObservationKind};
use crate::text;
use crate::tree::Error;
use crate::window::Window;

/// Most partitions told.
const MOST_PARTITIONS: usize = 128;
/// What observations call the table.
const TABLE: &str = "the partition table";

/// How a disk is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// Not at all: one file system, or nothing.
    None,
    /// A master boot record.
    Mbr,
    /// A GUID partition table.
    Gpt,
}

/// A part of a disk, as its table tells it; it may lie outside the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The number a guest gives it, from 1; logical partitions of an MBR begin at 5.
    pub number: u32,
    /// What it is for.
    pub kind: PartitionKind,
    /// Its name (GPT only), fit to be shown; empty when it has none.
    pub name: String,
    /// What `PARTUUID=` in a guest refers to, in lower case.
    pub id: String,
    /// Where it begins on the disk, in bytes.
    pub first_byte: u64,
    /// How long it is, in bytes.
    pub size_bytes: u64,
    /// Whether a BIOS boots from it (MBR: the active flag; GPT: attribute 2).
    pub active: bool,
}

impl Partition {
    /// Whether firmware looks for boot loaders in it (UEFI 2.10, 13.3).
    #[must_use]
    pub fn is_efi_system(&self) -> bool {
        match &self.kind {
            PartitionKind::Mbr(kind) => *kind == 0xEF,
            PartitionKind::Gpt(guid) => guid == "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        }
    }

    /// Whether GRUB keeps its core in it on a GPT disk started by a BIOS.
    #[must_use]
    pub fn is_bios_boot(&self) -> bool {
        matches!(&self.kind, PartitionKind::Gpt(guid) if guid == "21686148-6449-6e6f-744e-656564454649")
    }
}

/// What a partition is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionKind {
    /// The type byte of an MBR entry.
    Mbr(u8),
    /// The type GUID of a GPT entry, in lower case.
    Gpt(String),
}

/// What was read of a table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) kind: TableKind,
    /// Bytes of one sector as the table counts them.
    pub(crate) sector_bytes: u64,
    pub(crate) partitions: Vec<Partition>,
}

/// Reads the table of `disk`; what is odd about it goes to `seen`.
pub(crate) fn read(disk: &Window<'_>, seen: &mut Vec<Observation>) -> Result<Table, Error> {
    let none = Table { kind: TableKind::None, sector_bytes: 512, partitions: Vec::new() };
    if disk.size_bytes() < 1024 {
        return Ok(none);
    }
    let first = disk.bytes(0, 512)?;
    let record = mbr::Record::parse(&first);
    let announces = record.as_ref().is_some_and(mbr::Record::announces_gpt);
    let has_own = record.as_ref().is_some_and(mbr::Record::has_partitions);
    let gpt = gpt::read(disk)?;
    let mut table = match (gpt, record) {
        (Some(gpt), _) if announces || (!has_own && all_zero(&first)) => {
            if !announces {
                note(seen, ObservationKind::GptUnprotected, "a GPT stands there, but no MBR announces it");
            }
            if has_own {
                note(seen, ObservationKind::HybridMbr, "the protective MBR also lists partitions of its own");
            }
            seen.extend(gpt.seen);
            Table { kind: TableKind::Gpt, sector_bytes: gpt.sector_bytes, partitions: gpt.partitions }
        }
        (gpt, Some(record)) if has_own => {
            if gpt.is_some() {
                note(seen, ObservationKind::GptStale, "the MBR does not announce the GPT on this disk");
            }
            let (partitions, too_many) = mbr::partitions(disk, &record)?;
            if too_many {
                note(
                    seen,
                    ObservationKind::PartitionsTooMany,
                    "the chain of logical partitions is longer than 64 links, or turns in a circle",
                );
            }
            Table { kind: TableKind::Mbr, partitions, ..none }
        }
        (None, Some(_)) if announces => {
            note(
                seen,
                ObservationKind::TableUnreadable,
                "the MBR announces a GPT, but neither copy is whole",
            );
            none
        }
        (gpt, _) => {
            if gpt.is_some() {
                note(seen, ObservationKind::GptStale, "a GPT stands there, but the first sector is no MBR");
            }
            none
        }
    };
    if table.partitions.len() > MOST_PARTITIONS {
        note(seen, ObservationKind::PartitionsTooMany, "only the first 128 partitions are looked at");
        table.partitions.truncate(MOST_PARTITIONS);
    }
    bounds(disk.size_bytes(), &table.partitions, seen);
    Ok(table)
}

/// Tells partitions that reach outside the disk or into each other.
fn bounds(disk_bytes: u64, partitions: &[Partition], seen: &mut Vec<Observation>) {
    let mut inside: Vec<(u64, u64, u32)> = Vec::new();
    for partition in partitions {
        let end = partition.first_byte.checked_add(partition.size_bytes);
        match end {
            Some(end) if end <= disk_bytes && partition.size_bytes > 0 => {
                inside.push((partition.first_byte, end, partition.number));
            }
            _ => seen.push(Observation::new(
                ObservationKind::PartitionOutside,
                format!("partition {}", partition.number),
                format!(
                    "it begins at byte {} and is {} bytes long; the disk has {disk_bytes}",
                    partition.first_byte, partition.size_bytes
                ),
            )),
        }
    }
    inside.sort_unstable();
    for pair in inside.windows(2) {
        if let [(_, end, one), (start, _, other)] = pair
            && start < end
        {
            seen.push(Observation::new(
                ObservationKind::PartitionsOverlap,
                format!("partition {other}"),
                format!("it begins at byte {start}, before partition {one} ends at byte {end}"),
            ));
        }
    }
}

fn note(seen: &mut Vec<Observation>, kind: ObservationKind, words: &str) {
    seen.push(Observation::new(kind, TABLE, words));
}

/// The name in a GPT entry: UTF-16, ended by NUL.
fn name(bytes: &[u8]) -> String {
    text::plain_utf16(text::units(bytes).take_while(|unit| *unit != 0))
}

/// `index`, counted from 0, as the number of a partition.
fn number(index: usize) -> u32 {
    u32::try_from(as_u64(index).saturating_add(1)).unwrap_or(u32::MAX)
}
