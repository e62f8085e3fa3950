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
        let mut reader = Reader::new(bytes, "list of entries");
        let mut entries = Vec::new();
        let mut total = 0;
        while reader.remaining() > 0 {
            let entry = Self::read(&mut reader)?;
            total += entry.length();
            if total > MAX_DISK_BYTES {
                return Err(reader.refuse("stands for more bytes than the largest disk"));
            }
            entries.push(entry);
        }
        Ok(entries)
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
