//! The walk over all grain tables at open: every sector of the file has at most one role.
//!
//! Grains are not read. Plain grains may not overlap; compressed ones may not begin at the same place, and
//! each is asked for its own address again when it is read.

use super::header::{Geometry, Header};
use super::{ENTRIES_PER_TABLE, SECTOR_BYTES, TABLE_SECTORS, bytes_of};
use crate::bytes::{self, as_u64, as_usize};
use crate::layout::{Layout, Structure};
use crate::{Error, Limits, ReadAt};

/// The entry of a grain that reads as zeros, where the header allows it.
pub(super) const ZERO_GRAIN: u32 = 1;

/// Checks directory, tables and the places of all grains; returns the directory: the sectors of its tables.
pub(super) fn run(
    file: &dyn ReadAt,
    header: &Header,
    geometry: &Geometry,
    limits: &Limits,
) -> Result<Vec<u32>, Error> {
    let table_count = geometry.size_bytes.div_ceil(geometry.bytes_per_table());
    if table_count * 4 > limits.table_bytes {
        return Err(Error::limit(format!("the VMDK has a directory of {table_count} grain tables")));
    }
    let structures = structures(header, geometry, table_count)?;
    let layout = Layout::new(
        structures.iter().map(|(name, start, end)| Structure::new(name, *start, end - start)).collect(),
    )?;
    let offset = bytes_of(header.directory)?;
    let directory = entries(&bytes::read(file, "VMDK grain directory", offset, as_usize(table_count * 4)?)?);
    let starts = directory.iter().filter(|start| **start != 0).map(|start| u64::from(*start) * SECTOR_BYTES);
    layout.check_blocks(starts, TABLE_SECTORS * SECTOR_BYTES, geometry.file_bytes)?;

    let mut tables: Vec<u64> =
        directory.iter().filter(|start| **start != 0).map(|start| u64::from(*start) * SECTOR_BYTES).collect();
    tables.sort_unstable();
    let mut grains = Grains { geometry, structures, tables, taken: Taken::new(geometry, limits)? };
    for (index, start) in directory.iter().enumerate().filter(|(_, start)| **start != 0) {
        let first = as_u64(index) * ENTRIES_PER_TABLE;
        let table = read_table(file, *start)?;
        for (grain, entry) in (first..).zip(table) {
            let is_hole = entry == 0 || (entry == ZERO_GRAIN && geometry.has_zero_grains);
            // What the last table says about places behind the end of the disk is never asked.
            if !is_hole && geometry.bytes_in_grain(grain) > 0 {
                grains.claim(grain, u64::from(entry) * SECTOR_BYTES)?;
            }
        }
    }
    Ok(directory)
}

/// The entries of the grain table at sector `start`.
pub(super) fn read_table(file: &dyn ReadAt, start: u32) -> Result<Vec<u32>, Error> {
    let length = as_usize(TABLE_SECTORS * SECTOR_BYTES)?;
    Ok(entries(&bytes::read(file, "VMDK grain table", u64::from(start) * SECTOR_BYTES, length)?))
}

fn entries(bytes: &[u8]) -> Vec<u32> {
    let (entries, _) = bytes.as_chunks::<4>();
    entries.iter().map(|entry| u32::from_le_bytes(*entry)).collect()
}

/// Name, start and end in bytes of what is neither table nor grain; all of it inside the file.
fn structures(
    header: &Header,
    geometry: &Geometry,
    table_count: u64,
) -> Result<Vec<(&'static str, u64, u64)>, Error> {
    let directory_sectors = (table_count * 4).div_ceil(SECTOR_BYTES);
    let mut places = vec![
        ("VMDK header", 0, 1),
        ("VMDK descriptor", header.descriptor_sector, header.descriptor_sectors),
        ("VMDK grain directory", header.directory, directory_sectors),
    ];
    places.extend(
        header.redundant_directory.map(|start| ("VMDK redundant grain directory", start, directory_sectors)),
    );
    if header.has_footer {
        places.push(("VMDK footer", geometry.file_bytes / SECTOR_BYTES - 3, 3));
    }
    let mut structures = Vec::new();
    for (name, start, sectors) in places {
        let end = start.checked_add(sectors).and_then(|end| end.checked_mul(SECTOR_BYTES));
        match end {
            Some(end) if end <= geometry.file_bytes => structures.push((name, bytes_of(start)?, end)),
            _ => {
                return Err(Error::truncated(format!(
                    "the {name} ({sectors} sectors at sector {start}) reaches past the end of the file ({} bytes)",
                    geometry.file_bytes
                )));
            }
        }
    }
    Ok(structures)
}

/// The grains claimed so far, and what they must keep clear of.
struct Grains<'a> {
    geometry: &'a Geometry,
    structures: Vec<(&'static str, u64, u64)>,
    /// Where grain tables begin, in order.
    tables: Vec<u64>,
    taken: Taken,
}

impl Grains<'_> {
    fn claim(&mut self, grain: u64, start: u64) -> Result<(), Error> {
        // Of a compressed grain nothing is known yet but that it has a first sector.
        let length =
            if self.geometry.is_compressed { SECTOR_BYTES } else { self.geometry.bytes_in_grain(grain) };
        let end = start + length;
        if end > self.geometry.file_bytes {
            return Err(Error::truncated(format!(
                "the grain at offset {start} reaches past the end of the file ({} bytes)",
                self.geometry.file_bytes
            )));
        }
        if let Some((name, ..)) = self.structures.iter().find(|(_, from, to)| start < *to && *from < end) {
            return Err(Error::corrupt(format!("the grain at offset {start} overlaps the {name}")));
        }
        let table_bytes = TABLE_SECTORS * SECTOR_BYTES;
        let next = self.tables.partition_point(|table| table + table_bytes <= start);
        if self.tables.get(next).is_some_and(|table| *table < end) {
            return Err(Error::corrupt(format!("the grain at offset {start} overlaps a grain table")));
        }
        if self.taken.take(start / SECTOR_BYTES)? {
            return Ok(());
        }
        Err(Error::corrupt(format!("the grain at offset {start} is used for two places of the disk")))
    }
}

/// Which places are taken.
enum Taken {
    /// A bit for every sector at which a compressed grain begins.
    Starts(Vec<u64>),
    /// For every stretch as long as a grain, at which sector of it a grain begins, plus one: there can be only one.
    Grains { grain_sectors: u64, begins: Vec<u16> },
}

impl Taken {
    fn new(geometry: &Geometry, limits: &Limits) -> Result<Self, Error> {
        // Entries have 32 bits: what is behind their reach is never asked for.
        let sectors = geometry.file_bytes.div_ceil(SECTOR_BYTES).min(1 << 32);
        let grain_sectors = geometry.grain_bytes / SECTOR_BYTES;
        let (units, bytes) = if geometry.is_compressed {
            (sectors.div_ceil(64), sectors.div_ceil(64) * 8)
        } else {
            (sectors.div_ceil(grain_sectors), sectors.div_ceil(grain_sectors) * 2)
        };
        if bytes > limits.table_bytes {
            return Err(Error::limit(format!(
                "the VMDK file has too many sectors ({sectors}) to keep track of"
            )));
        }
        Ok(if geometry.is_compressed {
            Self::Starts(vec![0; as_usize(units)?])
        } else {
            Self::Grains { grain_sectors, begins: vec![0; as_usize(units)?] }
        })
    }

    /// Takes the place of a grain that begins at `sector` of the file; false when it was not free.
    fn take(&mut self, sector: u64) -> Result<bool, Error> {
        match self {
            Self::Starts(bits) => {
                let Some(word) = bits.get_mut(as_usize(sector / 64)?) else { return Ok(false) };
                let bit = 1 << (sector % 64);
                let is_free = *word & bit == 0;
                *word |= bit;
                Ok(is_free)
            }
            Self::Grains { grain_sectors, begins } => {
                let unit = as_usize(sector / *grain_sectors)?;
                // Grains have at most 4096 sectors.
                let within = u16::try_from(sector % *grain_sectors + 1).unwrap_or(u16::MAX);
                let before = unit.checked_sub(1).and_then(|unit| begins.get(unit)).copied().unwrap_or(0);
                let behind = begins.get(unit + 1).copied().unwrap_or(0);
                let Some(here) = begins.get_mut(unit) else { return Ok(false) };
                let is_free = *here == 0 && before <= within && (behind == 0 || behind >= within);
                *here = within;
                Ok(is_free)
            }
        }
    }
}
