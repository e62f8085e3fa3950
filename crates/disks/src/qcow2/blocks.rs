//! The disk inside a qcow2 file. Tables are read as they are needed; only the first level stays in memory.

use std::sync::Arc;

use super::entry::{Geometry, Place};
use super::header::Compression;
use super::unpack::Unpacker;
use crate::bytes::{self, as_u64, as_usize};
use crate::packed::{Pool, Recent, side_by_side};
use crate::raw::check_range;
use crate::source::extent_in;
use crate::{Blocks, Error, Extent, ExtentKind, ReadAt};

/// How much of a second-level table is read at once, in bytes, and how many such pieces are remembered.
const SLICE_BYTES: u64 = 64 << 10;
const SLICES: usize = 64;
/// How many bytes of unpacked clusters are remembered for reads of parts, and the most clusters.
const PLAIN_BYTES: u64 = 8 << 20;
const PLAIN_CLUSTERS: u64 = 16;
/// How many runs one extent may gather, so that asking stays cheap.
const RUNS_PER_EXTENT: usize = 256;

/// An open image whose tables have been surveyed.
pub(super) struct Qcow2 {
    file: Box<dyn ReadAt>,
    geometry: Geometry,
    compression: Compression,
    l1: Vec<u64>,
    slices: Recent<[u64]>,
    plain: Recent<[u8]>,
    unpackers: Pool<Unpacker>,
}

/// Clusters that follow each other on the disk and in the file.
struct Run {
    length: u64,
    place: Place,
}

impl Qcow2 {
    /// `l1` covers the disk, and everything it leads to has been surveyed.
    pub(super) fn new(
        file: Box<dyn ReadAt>,
        geometry: Geometry,
        compression: Compression,
        l1: Vec<u64>,
    ) -> Result<Self, Error> {
        let clusters = (PLAIN_BYTES / geometry.cluster_bytes()).clamp(2, PLAIN_CLUSTERS);
        Ok(Self {
            file,
            geometry,
            compression,
            l1,
            slices: Recent::new(SLICES),
            plain: Recent::new(as_usize(clusters)?),
            unpackers: Pool::new(),
        })
    }

    /// The run from `offset` on, at most `limit` bytes; compressed clusters are runs of their own.
    fn run_at(&self, offset: u64, limit: u64) -> Result<Run, Error> {
        let cluster_bytes = self.geometry.cluster_bytes();
        let per_table = self.geometry.entries_per_table();
        let (cluster, within) = (offset / cluster_bytes, offset % cluster_bytes);
        let limit = limit.min(self.geometry.size_bytes - offset);
        let entry = self.l1.get(as_usize(cluster / per_table)?).copied().unwrap_or(0);
        let Some(table) = self.geometry.table_offset(entry)? else {
            let left = (per_table - cluster % per_table) * cluster_bytes - within;
            return Ok(Run { length: left.min(limit), place: Place::Hole { reserved: None } });
        };
        let slice_bytes = SLICE_BYTES.min(cluster_bytes);
        let byte = cluster % per_table * 8;
        let slice = self.slice(table + byte - byte % slice_bytes, slice_bytes)?;
        let mut entries = slice.iter().skip(as_usize(byte % slice_bytes / 8)?);
        let place = self.geometry.place(cluster, entries.next().copied().unwrap_or(0))?;
        let mut clusters = 1;
        for entry in entries {
            let is_enough = clusters * cluster_bytes - within >= limit;
            if is_enough
                || !follows(place, self.geometry.place(cluster + clusters, *entry)?, clusters * cluster_bytes)
            {
                break;
            }
            clusters += 1;
        }
        Ok(Run { length: (clusters * cluster_bytes - within).min(limit), place })
    }

    fn slice(&self, offset: u64, length: u64) -> Result<Arc<[u64]>, Error> {
        self.slices.get_or_load(offset, || {
            let bytes = bytes::read(self.file.as_ref(), "L2 table", offset, as_usize(length)?)?;
            let (entries, _) = bytes.as_chunks::<8>();
            Ok(entries.iter().map(|entry| u64::from_be_bytes(*entry)).collect())
        })
    }

    /// Fills `part` from the byte `at` of the disk, which is in the cluster compressed in `range` of the file.
    fn read_packed(&self, range: (u64, u64), at: u64, part: &mut [u8]) -> Result<(), Error> {
        let cluster_bytes = as_usize(self.geometry.cluster_bytes())?;
        if part.len() == cluster_bytes {
            return self.unpack(range, part);
        }
        let plain = self.plain.get_or_load(at / self.geometry.cluster_bytes(), || {
            let mut cluster = vec![0; cluster_bytes];
            self.unpack(range, &mut cluster)?;
            Ok(cluster.into())
        })?;
        let start = as_usize(at % self.geometry.cluster_bytes())?;
        part.copy_from_slice(&plain[start..start + part.len()]);
        Ok(())
    }

    fn unpack(&self, (offset, length): (u64, u64), cluster: &mut [u8]) -> Result<(), Error> {
        self.unpackers.lend(
            || Unpacker::new(self.compression),
            |unpacker| {
                unpacker.packed.resize(as_usize(length)?, 0);
                self.file.read_exact_at(&mut unpacker.packed, offset)?;
                unpacker.unpack(cluster)
            },
        )
    }
}

/// Whether `next`, which is `distance` bytes behind `first` on the disk, continues it in the file.
fn follows(first: Place, next: Place, distance: u64) -> bool {
    match (first, next) {
        (Place::Hole { .. }, Place::Hole { .. }) => true,
        (Place::Plain { offset: first }, Place::Plain { offset: next }) => next == first + distance,
        _ => false,
    }
}

impl Blocks for Qcow2 {
    fn size_bytes(&self) -> u64 {
        self.geometry.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        check_range(self.geometry.size_bytes, offset, buffer.len())?;
        let mut rest = buffer;
        let mut at = offset;
        while !rest.is_empty() {
            let run = self.run_at(at, as_u64(rest.len()))?;
            let within = at % self.geometry.cluster_bytes();
            let (part, behind) = rest.split_at_mut(as_usize(run.length)?);
            match run.place {
                Place::Hole { .. } => part.fill(0),
                Place::Plain { offset } => self.file.read_exact_at(part, offset + within)?,
                Place::Packed { offset, length } => self.read_packed((offset, length), at, part)?,
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
        let kind = match first.place {
            Place::Plain { offset: start } => {
                let within = offset % self.geometry.cluster_bytes();
                return extent_in(self.file.as_ref(), start + within, first.length);
            }
            Place::Hole { .. } => ExtentKind::Zero,
            Place::Packed { .. } => ExtentKind::Data,
        };
        let mut length = first.length;
        for _ in 1..RUNS_PER_EXTENT {
            if offset + length >= size_bytes {
                break;
            }
            let next = self.run_at(offset + length, size_bytes)?;
            let same = match next.place {
                Place::Hole { .. } => kind == ExtentKind::Zero,
                Place::Packed { .. } => kind == ExtentKind::Data,
                Place::Plain { .. } => false,
            };
            if !same {
                break;
            }
            length += next.length;
        }
        Ok(Extent { length, kind })
    }

    fn prove(&self) -> Result<(), Error> {
        let cluster_bytes = self.geometry.cluster_bytes();
        side_by_side(self.geometry.size_bytes, cluster_bytes, &|mut at, end| {
            let mut whole = vec![0; as_usize(cluster_bytes)?];
            while at < end {
                let run = self.run_at(at, end - at)?;
                if let Place::Packed { offset, length } = run.place {
                    self.unpack((offset, length), &mut whole)?;
                }
                at += run.length;
            }
            Ok(())
        })
    }
}
