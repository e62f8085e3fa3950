//! Attributes of a record, and the runs of clusters that hold the bytes of those that do not fit it.

use crate::bytes::{Fields, as_usize};
use crate::tree::Error;

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(u32);

impl Kind {
    pub(super) const LIST: Self = Self(0x20);
    pub(super) const VOLUME_NAME: Self = Self(0x60);
    pub(super) const VOLUME_INFORMATION: Self = Self(0x70);
    pub(super) const DATA: Self = Self(0x80);
    pub(super) const INDEX_ROOT: Self = Self(0x90);
    pub(super) const INDEX_ALLOCATION: Self = Self(0xA0);
    pub(super) const REPARSE_POINT: Self = Self(0xC0);
}

/// `flags`: kept compressed by LZNT1.
const COMPRESSED: u16 = 0x00FF;
/// `flags`: encrypted by EFS.
const ENCRYPTED: u16 = 0x4000;
/// What follows the last attribute.
const END: u32 = 0xFFFF_FFFF;

/// An attribute, or the part of one that stands in this record.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) kind: Kind,
    /// Its name in UTF-16; empty for the usual one.
    pub(super) name: Vec<u16>,
    pub(super) is_compressed: bool,
    pub(super) is_encrypted: bool,
    pub(super) body: Body,
}

/// Where the bytes are.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// In the record.
    Resident(Vec<u8>),
    /// In clusters.
    Stored(Stored),
}

/// Bytes in clusters.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) runs: Vec<Run>,
    /// The first cluster of the attribute that this part holds; its sizes count only when that is 0.
    pub(super) first: u64,
    pub(super) size_bytes: u64,
    /// Bytes beyond this one were never written, and are zeros.
    pub(super) written_bytes: u64,
    /// Two to this power clusters are compressed together.
    pub(super) unit_shift: u16,
}

/// Clusters that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The first of them, as the attribute counts.
    pub(super) at: u64,
    pub(super) clusters: u64,
    /// The first of them on the volume; `None` for a hole.
    pub(super) from: Option<u64>,
}

/// All attributes of a record.
pub(super) fn parse(record: &[u8]) -> Result<Vec<Attribute>, Error> {
    let fields = Fields::new("NTFS record", record);
    let mut at = usize::from(fields.le_u16(20)?);
    let mut attributes = Vec::new();
    loop {
        let kind = fields.le_u32(at)?;
        if kind == END {
            return Ok(attributes);
        }
        let length = as_usize(fields.le_u32(at + 4)?.into());
        if length < 24 {
            return Err(Error::Damaged("an NTFS attribute has no length".to_owned()));
        }
        attributes.push(attribute(Kind(kind), fields.slice(at, length)?)?);
        at += length;
    }
}

/// How many runs `attributes` have in all.
pub(super) fn runs_in(attributes: &[Attribute]) -> usize {
    let runs = attributes.iter().map(|attribute| match &attribute.body {
        Body::Resident(_) => 0,
        Body::Stored(stored) => stored.runs.len(),
    });
    runs.sum()
}

fn attribute(kind: Kind, bytes: &[u8]) -> Result<Attribute, Error> {
    let fields = Fields::new("NTFS attribute", bytes);
    let flags = fields.le_u16(12)?;
    let name = fields.slice(fields.le_u16(10)?.into(), usize::from(fields.u8(9)?) * 2)?;
    let body = if fields.u8(8)? == 0 {
        let (length, at) = (as_usize(fields.le_u32(16)?.into()), usize::from(fields.le_u16(20)?));
        Body::Resident(fields.slice(at, length)?.to_vec())
    } else {
        let first = fields.le_u64(16)?;
        let pairs = bytes.get(usize::from(fields.le_u16(32)?)..).unwrap_or_default();
        Body::Stored(Stored {
            runs: runs(first, pairs)?,
            first,
            size_bytes: fields.le_u64(48)?,
            written_bytes: fields.le_u64(56)?,
            unit_shift: fields.le_u16(34)?,
        })
    };
    Ok(Attribute {
        kind,
        name: crate::text::units(name).collect(),
        is_compressed: flags & COMPRESSED != 0,
        is_encrypted: flags & ENCRYPTED != 0,
        body,
    })
}

/// The runs, each told by its length and by how far it lies from the one before.
fn runs(first: u64, pairs: &[u8]) -> Result<Vec<Run>, Error> {
    let damaged = || Error::Damaged("the runs of an NTFS attribute contradict themselves".to_owned());
    let mut runs = Vec::new();
    let (mut at, mut from, mut rest) = (first, 0_i64, pairs);
    while let Some((header, tail)) = rest.split_first()
        && *header != 0
    {
        let (length_bytes, offset_bytes) = (usize::from(header & 0xF), usize::from(header >> 4));
        let (length, tail) = tail.split_at_checked(length_bytes).ok_or_else(damaged)?;
        let (offset, tail) = tail.split_at_checked(offset_bytes).ok_or_else(damaged)?;
        let clusters = u64::try_from(signed(length).ok_or_else(damaged)?).ok().filter(|count| *count > 0);
        let clusters = clusters.ok_or_else(damaged)?;
        let place = if offset.is_empty() {
            None
        } else {
            from = from.checked_add(signed(offset).ok_or_else(damaged)?).ok_or_else(damaged)?;
            Some(u64::try_from(from).map_err(|_negative| damaged())?)
        };
        runs.push(Run { at, clusters, from: place });
        at = at.checked_add(clusters).ok_or_else(damaged)?;
        rest = tail;
    }
    Ok(runs)
}

/// A little-endian number of up to eight bytes with its sign.
fn signed(bytes: &[u8]) -> Option<i64> {
    let last = bytes.last()?;
    let mut wide = if last & 0x80 == 0 { [0; 8] } else { [0xFF; 8] };
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}
