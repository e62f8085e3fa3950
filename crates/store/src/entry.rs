//! One entry of an image: a hole or a chunk, in disk order; and their compact coding for the wire.
//!
//! Offsets are not written: an entry begins where the one before ends. Lengths are whole 4 KiB blocks.

use crate::coding::{Reader, put_varint};
use crate::{Digest, Error};

/// The grid on which chunks begin and end, in bytes.
pub const GRID_BYTES: u32 = 4096;
/// The longest chunk, in bytes.
pub const MAX_CHUNK_BYTES: u32 = 256 * 1024;
/// The largest disk the store takes, in bytes: twice the largest managed disk of Azure.
pub const MAX_DISK_BYTES: u64 = 64 << 40;

const GRID: u64 = GRID_BYTES as u64;

/// What stands at some place of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// Zeros.
    Hole {
        /// Bytes; a positive multiple of 4096.
        length: u64,
    },
    /// Bytes that are kept under their digest.
    Chunk {
        /// BLAKE3 of the bytes.
        digest: Digest,
        /// Bytes; a positive multiple of 4096, at most [`MAX_CHUNK_BYTES`].
        length: u32,
    },
}

impl Entry {
    /// Bytes of the disk that this entry stands for.
    #[must_use]
    pub const fn length(&self) -> u64 {
        match *self {
            Self::Hole { length } => length,
            // `u64::from` is not const.
            Self::Chunk { length, .. } => length as u64,
        }
    }

    /// Checks the bounds that the type cannot express.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the length is zero, off the 4 KiB grid, or too long.
    pub fn check(&self) -> Result<(), Error> {
        let limit = match self {
            Self::Hole { .. } => MAX_DISK_BYTES,
            Self::Chunk { .. } => u64::from(MAX_CHUNK_BYTES),
        };
        let length = self.length();
        if length == 0 || !length.is_multiple_of(GRID) || length > limit {
            return Err(Error::invalid(format!(
                "an entry is {length} bytes long; it must be a positive multiple of {GRID} and at most {limit}"
            )));
        }
        Ok(())
    }

    /// Appends the entry's coding: 33 bytes for most chunks, a few for a hole.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let blocks = self.length() / GRID;
        match self {
            Self::Hole { .. } => put_varint(out, blocks << 1),
            Self::Chunk { digest, .. } => {
                put_varint(out, blocks << 1 | 1);
                out.extend_from_slice(digest.as_bytes());
            }
        }
    }

    /// Reads a whole list of entries, as foreign as can be.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a length breaks [`Entry::check`], all together pass [`MAX_DISK_BYTES`], or the
    /// bytes are no such list.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, Error> {
        let mut list = EntryReader::new(usize::MAX);
        list.take(bytes, 0)?;
        Ok(list.entries)
    }

    /// Reads one entry and checks it.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let word = reader.varint()?;
        let length =
            (word >> 1).checked_mul(GRID).ok_or_else(|| reader.refuse("has a length beyond all disks"))?;
        let entry = if word & 1 == 0 {
            Self::Hole { length }
        } else {
            let length =
                u32::try_from(length).map_err(|_long| reader.refuse("has a chunk beyond all bounds"))?;
            Self::Chunk { digest: reader.digest()?, length }
        };
        entry.check()?;
        Ok(entry)
    }
}

/// The longest coding of an entry, in bytes: a number of nine bytes and a digest.
const MAX_ENTRY_BYTES: usize = 9 + 32;

/// Reads a list of entries that arrives in pieces; holds the entries, not their coding.
#[derive(Debug)]
pub struct EntryReader {
    entries: Vec<Entry>,
    /// Bytes of the disk that the entries stand for.
    total: u64,
    /// The beginning of an entry that has not arrived whole.
    rest: Vec<u8>,
    most: usize,
}

impl EntryReader {
    /// Nothing yet; at most `most` entries are taken.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { entries: Vec::new(), total: 0, rest: Vec::new(), most }
    }

    /// Takes the next bytes of the list, wherever they were parted.
    ///
    /// # Errors
    /// As [`Entry::read_all`], and [`Error::Invalid`] when there are too many entries.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.rest.is_empty() {
            let used = self.take(bytes, MAX_ENTRY_BYTES)?;
            self.rest.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        let mut joined = std::mem::take(&mut self.rest);
        joined.extend_from_slice(bytes);
        let used = self.take(&joined, MAX_ENTRY_BYTES)?;
        joined.drain(..used);
        self.rest = joined;
        Ok(())
    }

    /// All entries; what was pushed must end with a whole one.
    ///
    /// # Errors
    /// As [`EntryReader::push`].
    pub fn finish(mut self) -> Result<Vec<Entry>, Error> {
        let rest = std::mem::take(&mut self.rest);
        self.take(&rest, 0)?;
        Ok(self.entries)
    }

    /// Reads entries until at most `keep` bytes are left; answers how many it took.
    fn take(&mut self, bytes: &[u8], keep: usize) -> Result<usize, Error> {
        let mut reader = Reader::new(bytes, "list of entries");
        while reader.remaining() > keep {
            let entry = Entry::read(&mut reader)?;
            self.total += entry.length();
            if self.total > MAX_DISK_BYTES {
                return Err(reader.refuse("stands for more bytes than the largest disk"));
            }
            if self.entries.len() >= self.most {
                return Err(reader.refuse("has more entries than are taken"));
            }
            self.entries.push(entry);
        }
        Ok(bytes.len() - reader.remaining())
    }
}
