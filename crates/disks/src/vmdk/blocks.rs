//! The disk inside a sparse VMDK. Grain tables are read as they are needed; only the directory stays in memory.

use std::sync::Arc;

use super::header::Geometry;
use super::survey::{ZERO_GRAIN, read_table};
use super::{ENTRIES_PER_TABLE, SECTOR_BYTES};
use crate::bytes::{self, Fields, as_u64, as_usize};
use crate::packed::{Inflater, Pool, Recent, Wrapping, side_by_side};
use crate::raw::check_range;
use crate::source::extent_in;
use crate::{Blocks, Error, Extent, ExtentKind, ReadAt};

/// How many grain tables are remembered, and how many bytes of unpacked grains.
const TABLES: usize = 64;
const PLAIN_BYTES: u64 = 8 << 20;
const PLAIN_GRAINS: u64 = 16;
/// Bytes before the data of a compressed grain: its address and its length.
const MARKER_BYTES: u64 = 12;
/// How many runs one extent may gather, so that asking stays cheap.
const RUNS_PER_EXTENT: usize = 256;

/// An open sparse VMDK whose tables have been surveyed.
pub(super) struct Sparse {
    file: Box<dyn ReadAt>,
    geometry: Geometry,
    /// The sector of each grain table; 0 where there is none.
    directory: Vec<u32>,
    tables: Recent<[u32]>,
    plain: Recent<[u8]>,
    unpackers: Pool<Unpacker>,
}

/// A decoder and the buffer it reads from, used again and again.
struct Unpacker {
    inflater: Inflater,
    packed: Vec<u8>,
}

/// Where a grain's bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Hole,
    /// As they are, at an offset of the file.
    Plain(u64),
    /// Behind a marker, at an offset of the file.
    Packed(u64),
}

/// Grains that follow each other on the disk and in the file.
struct Run {
    length: u64,
    place: Place,
}

impl Sparse {
    /// `directory` covers the disk, and everything it leads to has been surveyed.
    pub(super) fn new(file: Box<dyn ReadAt>, geometry: Geometry, directory: Vec<u32>) -> Result<Self, Error> {
        let grains = (PLAIN_BYTES / geometry.grain_bytes).clamp(2, PLAIN_GRAINS);
        Ok(Self {
            file,
            geometry,
            directory,
            tables: Recent::new(TABLES),
            plain: Recent::new(as_usize(grains)?),
            unpackers: Pool::new(),
        })
    }

    /// The run from `offset` on, at most `limit` bytes; compressed grains are runs of their own.
    fn run_at(&self, offset: u64, limit: u64) -> Result<Run, Error> {
        let grain_bytes = self.geometry.grain_bytes;
        let (grain, within) = (offset / grain_bytes, offset % grain_bytes);
        let limit = limit.min(self.geometry.size_bytes - offset);
        let in_table = grain % ENTRIES_PER_TABLE;
        let start = self.directory.get(as_usize(grain / ENTRIES_PER_TABLE)?).copied().unwrap_or(0);
        if start == 0 {
            let left = (ENTRIES_PER_TABLE - in_table) * grain_bytes - within;
            return Ok(Run { length: left.min(limit), place: Place::Hole });
        }
        let table = self
            .tables
            .get_or_load(u64::from(start), || Ok(Arc::from(read_table(self.file.as_ref(), start)?)))?;
        let mut entries = table.iter().skip(as_usize(in_table)?);
        let place = self.place(entries.next().copied().unwrap_or(0));
        let mut grains = 1;
        for entry in entries {
            let expected = match place {
                Place::Hole => Some(Place::Hole),
                Place::Plain(first) => Some(Place::Plain(first + grains * grain_bytes)),
                Place::Packed(_) => None,
            };
            if grains * grain_bytes - within >= limit || Some(self.place(*entry)) != expected {
                break;
            }
            grains += 1;
        }
        Ok(Run { length: (grains * grain_bytes - within).min(limit), place })
    }

    fn place(&self, entry: u32) -> Place {
        let offset = u64::from(entry) * SECTOR_BYTES;
        match entry {
            0 => Place::Hole,
            ZERO_GRAIN if self.geometry.has_zero_grains => Place::Hole,
            _ if self.geometry.is_compressed => Place::Packed(offset),
            _ => Place::Plain(offset),
        }
    }

    /// Fills `part` from the byte `at` of the disk, which is in the compressed grain at `offset` of the file.
    fn read_packed(&self, offset: u64, at: u64, part: &mut [u8]) -> Result<(), Error> {
        let grain_bytes = as_usize(self.geometry.grain_bytes)?;
        let grain = at / self.geometry.grain_bytes;
        if part.len() == grain_bytes {
            return self.unpack(offset, grain, part);
        }
        let plain = self.plain.get_or_load(offset, || {
            let mut whole = vec![0; grain_bytes];
            self.unpack(offset, grain, &mut whole)?;
            Ok(whole.into())
        })?;
        let start = as_usize(at % self.geometry.grain_bytes)?;
        part.copy_from_slice(&plain[start..start + part.len()]);
        Ok(())
    }

    /// Decodes one grain into `whole`, after checking that it is the one that was asked for.
    fn unpack(&self, offset: u64, grain: u64, whole: &mut [u8]) -> Result<(), Error> {
        let marker = bytes::read(self.file.as_ref(), "VMDK grain marker", offset, as_usize(MARKER_BYTES)?)?;
        let fields = Fields::new("VMDK grain marker", &marker);
        let (address, length) = (fields.le_u64(0)?, u64::from(fields.le_u32(8)?));
        if address != grain * (self.geometry.grain_bytes / SECTOR_BYTES) {
            return Err(Error::corrupt(format!(
                "the grain at offset {offset} says that it is of another place"
            )));
        }
        // Deflate makes nothing much longer than it was.
        if length == 0 || length > self.geometry.grain_bytes * 2 {
            return Err(Error::corrupt(format!(
                "the grain at offset {offset} says that it has {length} bytes"
            )));
        }
        bytes::lies_inside(self.file.as_ref(), "VMDK grain", offset + MARKER_BYTES, length)?;
        let length = as_usize(length)?;
        let filled = self.unpackers.lend(
            || Ok(Unpacker { inflater: Inflater::new(Wrapping::Zlib), packed: Vec::new() }),
            |unpacker| {
                unpacker.packed.resize(length, 0);
                self.file.read_exact_at(&mut unpacker.packed, offset + MARKER_BYTES)?;
                unpacker.inflater.inflate("a compressed grain", &unpacker.packed, whole)
            },
        )?;
        // Only the last grain of a disk may end where the disk does.
        if filled == whole.len() || as_u64(filled) == self.geometry.bytes_in_grain(grain) {
            return Ok(());
        }
        Err(Error::corrupt(format!("the grain at offset {offset} holds {filled} of {} bytes", whole.len())))
    }
}

impl Blocks for Sparse {
    fn size_bytes(&self) -> u64 {
        self.geometry.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        check_range(self.geometry.size_bytes, offset, buffer.len())?;
        let mut rest = buffer;
        let mut at = offset;
        while !rest.is_empty() {
            let run = self.run_at(at, as_u64(rest.len()))?;
            let within = at % self.geometry.grain_bytes;
            let (part, behind) = rest.split_at_mut(as_usize(run.length)?);
            match run.place {
                Place::Hole => part.fill(0),
                Place::Plain(start) => self.file.read_exact_at(part, start + within)?,
                Place::Packed(start) => self.read_packed(start, at, part)?,
            }
            at += run.length;
            rest = behind;
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, Error> {
        check_range(self.geometry.size_bytes, offset, 1)?;
        let size_bytes = self.geometry.size_bytes;
        let first = self.run_at(offset, size_bytes)?;
        if let Place::Plain(start) = first.place {
            let within = offset % self.geometry.grain_bytes;
            return extent_in(self.file.as_ref(), start + within, first.length);
        }
        let is_hole = first.place == Place::Hole;
        let mut length = first.length;
        for _ in 1..RUNS_PER_EXTENT {
            if offset + length >= size_bytes {
                break;
            }
            let next = self.run_at(offset + length, size_bytes)?;
            if matches!(next.place, Place::Plain(_)) || (next.place == Place::Hole) != is_hole {
                break;
            }
            length += next.length;
        }
        Ok(Extent { length, kind: if is_hole { ExtentKind::Zero } else { ExtentKind::Data } })
    }

    fn prove(&self) -> Result<(), Error> {
        let grain_bytes = self.geometry.grain_bytes;
        side_by_side(self.geometry.size_bytes, grain_bytes, &|mut at, end| {
            let mut whole = vec![0; as_usize(grain_bytes)?];
            while at < end {
                let run = self.run_at(at, end - at)?;
                if let Place::Packed(start) = run.place {
                    self.unpack(start, at / grain_bytes, &mut whole)?;
                }
                at += run.length;
            }
            Ok(())
        })
    }
}
