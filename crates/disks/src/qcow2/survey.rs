//! The walk over all tables at open: after it, no entry can lead outside the file or to a cluster of another role.
//!
//! No data is read. The work is bounded by the tables that the file really holds, because each is visited once.

use super::entry::{Geometry, Place};
use super::usage::Usage;
use crate::bytes::{self, as_u64};
use crate::{Error, ReadAt};

/// Below this much output, nothing is called a bomb, in bytes.
const HARMLESS_BYTES: u64 = 1 << 30;
/// Above that, how many times more may come out than is held.
const EXPANSION_LIMIT: u64 = 2000;

/// What the tables promise, against what the file holds.
pub(super) struct Survey<'a> {
    file: &'a dyn ReadAt,
    geometry: Geometry,
    usage: &'a mut Usage,
    /// Bytes of the disk that have a place in the file.
    promised_bytes: u64,
    /// Bytes of the file behind them, each counted once.
    held_bytes: u64,
}

impl<'a> Survey<'a> {
    pub(super) fn new(file: &'a dyn ReadAt, geometry: Geometry, usage: &'a mut Usage) -> Self {
        Self { file, geometry, usage, promised_bytes: 0, held_bytes: 0 }
    }

    /// Visits every table that `l1` names.
    pub(super) fn run(mut self, l1: &[u64]) -> Result<(), Error> {
        let outcome = l1.iter().enumerate().try_for_each(|(index, entry)| self.table(as_u64(index), *entry));
        // A bomb is called a bomb, even where its tables are wrong as well.
        if self.promised_bytes > HARMLESS_BYTES && self.promised_bytes / EXPANSION_LIMIT > self.held_bytes {
            return Err(Error::expansion(format!(
                "the image makes {} bytes out of {}",
                self.promised_bytes, self.held_bytes
            )));
        }
        outcome
    }

    fn table(&mut self, l1_index: u64, l1_entry: u64) -> Result<(), Error> {
        let Some(offset) = self.geometry.table_offset(l1_entry)? else { return Ok(()) };
        let geometry = self.geometry;
        self.usage.claim_structure("L2 table", offset, geometry.cluster_bytes())?;
        let first = l1_index * geometry.entries_per_table();
        let clusters = geometry.size_bytes.div_ceil(geometry.cluster_bytes());
        // What the last table says about places behind the end of the disk is never asked.
        let bytes = clusters.saturating_sub(first).min(geometry.entries_per_table()) * 8;
        let mut index = first;
        bytes::read_pieces(self.file, "L2 table", offset, bytes, &mut |piece| {
            let (entries, _) = piece.as_chunks::<8>();
            for entry in entries {
                let entry = u64::from_be_bytes(*entry);
                if entry != 0 {
                    self.entry(index, entry)?;
                }
                index += 1;
            }
            Ok(())
        })
    }

    fn entry(&mut self, index: u64, entry: u64) -> Result<(), Error> {
        let cluster_bytes = self.geometry.cluster_bytes();
        let fresh = match self.geometry.place(index, entry)? {
            Place::Hole { reserved: None } => return Ok(()),
            Place::Hole { reserved: Some(offset) } => return self.usage.claim_plain(offset).map(drop),
            Place::Plain { offset } => u64::from(self.usage.claim_plain(offset)?),
            Place::Packed { offset, length } => self.usage.claim_packed(offset, length)?,
        };
        self.promised_bytes += cluster_bytes;
        self.held_bytes += fresh * cluster_bytes;
        Ok(())
    }
}
