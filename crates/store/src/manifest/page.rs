//! One page of a manifest: how it is written, and how a foreign one is read.
//!
//! A page is `"GP"`, coding version, level, count, then the items. A leaf (level 0) holds entries; a page above holds
//! its children's lengths and digests. Nothing is accepted that the builder could not have written.

use crate::coding::{Reader, put_varint};
use crate::{Digest, Entry, Error, GRID_BYTES, MAX_DISK_BYTES};

/// Most items of one page.
pub(super) const MAX_ITEMS: usize = 512;
/// Pages above each other, at most: 16 items or more on each but the last hold any disk.
pub(super) const MAX_LEVELS: u8 = 10;
/// The longest coding of a page, in bytes.
pub const MAX_PAGE_BYTES: usize = 32 * 1024;

const MAGIC: [u8; 2] = *b"GP";
const VERSION: u8 = 1;
const ROOT_MAGIC: [u8; 4] = *b"GMAN";

/// A page below another, or below the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Child {
    pub(super) digest: Digest,
    /// Bytes of the disk that it stands for.
    pub(super) length: u64,
}

/// A page's items.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Page {
    Leaf(Vec<Entry>),
    Inner(Vec<Child>),
}

impl Page {
    /// Appends the start of a page's coding; the items follow.
    pub(super) fn write_header(level: u8, count: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.push(level);
        let count = u16::try_from(count).expect("a page has at most 512 items");
        out.extend_from_slice(&count.to_le_bytes());
    }

    /// Reads the page that its parent calls `child` and expects at `level`.
    pub(super) fn read(bytes: &[u8], child: &Child, level: u8) -> Result<Self, Error> {
        let name = child.digest;
        if Digest::of(bytes) != name {
            return Err(Error::corrupt(name, "the page's bytes have another digest"));
        }
        // The bytes are what was stored; if they make no sense, they were made so.
        Self::parse(bytes, level, child.length).map_err(|error| Error::corrupt(name, error.to_string()))
    }

    fn parse(bytes: &[u8], level: u8, length: u64) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, "manifest page");
        if bytes.len() > MAX_PAGE_BYTES {
            return Err(reader.refuse("is too long"));
        }
        if reader.array()? != MAGIC || reader.u8()? != VERSION || reader.u8()? != level {
            return Err(reader.refuse("is of another kind, version or level"));
        }
        let count = usize::from(reader.u16()?);
        if count == 0 || count > MAX_ITEMS {
            return Err(reader.refuse("has a wrong number of items"));
        }
        let (page, total) = if level == 0 {
            let entries = (0..count).map(|_| Entry::read(&mut reader)).collect::<Result<Vec<_>, _>>()?;
            let total = entries.iter().map(Entry::length).try_fold(0_u64, u64::checked_add);
            (Self::Leaf(entries), total)
        } else {
            let children = (0..count).map(|_| Child::read(&mut reader)).collect::<Result<Vec<_>, _>>()?;
            let total = children.iter().map(|child| child.length).try_fold(0_u64, u64::checked_add);
            (Self::Inner(children), total)
        };
        reader.end()?;
        if total != Some(length) {
            return Err(reader.refuse("does not add up to the length its parent gives"));
        }
        Ok(page)
    }
}

impl Child {
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        put_varint(out, self.length / u64::from(GRID_BYTES));
        out.extend_from_slice(self.digest.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let length = reader.varint()?.checked_mul(u64::from(GRID_BYTES));
        let length = length.filter(|&length| length > 0 && length <= MAX_DISK_BYTES);
        let length = length.ok_or_else(|| reader.refuse("has a child of an impossible length"))?;
        Ok(Self { digest: reader.digest()?, length })
    }
}

/// The record whose digest is the image's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Root {
    /// The rules by which the disk was cut.
    pub(super) algorithm: u16,
    /// Levels of pages below.
    pub(super) levels: u8,
    /// The topmost page; `None` for a disk of zeros only.
    pub(super) top: Option<Child>,
}

impl Root {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&ROOT_MAGIC);
        out.extend_from_slice(&self.algorithm.to_le_bytes());
        out.push(self.levels);
        if let Some(top) = &self.top {
            top.write_to(&mut out);
        }
        out
    }

    /// Reads the record that is kept under `digest`.
    pub(super) fn read(bytes: &[u8], digest: Digest) -> Result<Self, Error> {
        if Digest::of(bytes) != digest {
            return Err(Error::corrupt(digest, "the root record's bytes have another digest"));
        }
        Self::parse(bytes).map_err(|error| Error::corrupt(digest, error.to_string()))
    }

    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, "manifest root");
        if reader.array()? != ROOT_MAGIC {
            return Err(reader.refuse("is no manifest root"));
        }
        let algorithm = reader.u16()?;
        if algorithm != crate::cut::ALGORITHM {
            return Err(reader.refuse("was made by another version of the cutting rules"));
        }
        let levels = reader.u8()?;
        if levels > MAX_LEVELS {
            return Err(reader.refuse("has too many levels"));
        }
        let top = if levels == 0 { None } else { Some(Child::read(&mut reader)?) };
        reader.end()?;
        Ok(Self { algorithm, levels, top })
    }
}
