//! The header of a qcow2 file: its sizes, its flags, and what hangs on them.

use super::entry::Geometry;
use crate::bytes::{self, Fields, as_usize};
use crate::raw::check_size;
use crate::{Error, Limits, ReadAt};

/// Bytes of a version 2 header, and of the least version 3 header.
const V2_BYTES: u64 = 72;
const V3_BYTES: u64 = 104;
/// What QEMU allows: no image of a real machine comes near.
const L1_LIMIT_BYTES: u64 = 32 << 20;
const REFCOUNT_TABLE_LIMIT_BYTES: u64 = 8 << 20;
const SNAPSHOT_LIMIT: u32 = 65536;
const BACKING_NAME_LIMIT_BYTES: u32 = 1023;

/// How compressed clusters are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Deflate,
    Zstd,
}

/// The header, after every check that needs no other part of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) geometry: Geometry,
    /// Where the extensions begin.
    pub(super) length: u64,
    pub(super) compression: Compression,
    /// The file was not closed: refcounts may be stale.
    pub(super) is_dirty: bool,
    pub(super) has_bitmaps: bool,
    /// Entries of the first-level table that the disk needs.
    pub(super) l1_entries: u64,
    pub(super) l1_offset: u64,
    pub(super) refcount_table_offset: u64,
    pub(super) refcount_table_bytes: u64,
    /// 0 to 6: the refcounts are 1 to 64 bits wide.
    pub(super) refcount_order: u32,
    pub(super) snapshot_count: u32,
    pub(super) snapshot_offset: u64,
}

/// The feature bits of version 3 that change how a file is read.
#[derive(Clone, Copy, Debug, Default)]
struct Features {
    is_dirty: bool,
    says_compression: bool,
    has_bitmaps: bool,
}

impl Header {
    /// Reads and checks the header; allocates nothing that the file decides.
    pub(super) fn read(file: &dyn ReadAt, limits: &Limits) -> Result<Self, Error> {
        let file_bytes = file.length()?;
        let head = bytes::read(file, "qcow2 header", 0, as_usize(file_bytes.min(V3_BYTES + 8))?)?;
        let fields = Fields::new("qcow2 header", &head);
        if !b"QFI\xfb".starts_with(head.get(..4).unwrap_or(&head)) || head.is_empty() {
            return Err(Error::mismatch("the file does not begin as a qcow2 file does"));
        }
        let version = fields.be_u32(4)?;
        if !matches!(version, 2 | 3) {
            return Err(Error::unsupported(format!("qcow2 version {version} is not read, only 2 and 3")));
        }
        let features = if version == 3 { Features::read(&fields)? } else { Features::default() };
        check_backing(&fields)?;
        let geometry = geometry(&fields, version, file_bytes, limits)?;
        let (length, refcount_order, compression) = match version {
            2 => (V2_BYTES, 4, Compression::Deflate),
            _ => version_3_fields(&fields, geometry, features)?,
        };
        let refcount_table_bytes = u64::from(fields.be_u32(56)?) << geometry.cluster_bits;
        if refcount_table_bytes > REFCOUNT_TABLE_LIMIT_BYTES {
            return Err(Error::limit(format!("the refcount table has {refcount_table_bytes} bytes")));
        }
        let snapshot_count = fields.be_u32(60)?;
        if snapshot_count > SNAPSHOT_LIMIT {
            return Err(Error::limit(format!("the file has {snapshot_count} snapshots")));
        }
        Ok(Self {
            geometry,
            length,
            compression,
            is_dirty: features.is_dirty,
            has_bitmaps: features.has_bitmaps,
            l1_entries: l1_entries(fields.be_u32(36)?, geometry, limits)?,
            l1_offset: fields.be_u64(40)?,
            refcount_table_offset: fields.be_u64(48)?,
            refcount_table_bytes,
            refcount_order,
            snapshot_count,
            snapshot_offset: fields.be_u64(64)?,
        })
    }
}

impl Features {
    /// Reads the bits that a reader must know; unknown compatible and autoclear bits are none of its business.
    fn read(fields: &Fields<'_>) -> Result<Self, Error> {
        let incompatible = fields.be_u64(72)?;
        if incompatible & 4 != 0 {
            return Err(Error::external_reference("the image keeps its data in another file"));
        }
        if incompatible & 2 != 0 {
            return Err(Error::corrupt(
                "the image is marked as corrupt; repair it with `qemu-img check -r all`",
            ));
        }
        if incompatible & 16 != 0 {
            return Err(Error::unsupported("the image has subclusters (extended_l2=on), which are not read"));
        }
        if incompatible & !0x1F != 0 {
            return Err(Error::unsupported(format!(
                "the image needs features that are not known here (bits {:#x})",
                incompatible & !0x1F
            )));
        }
        let autoclear = fields.be_u64(88)?;
        Ok(Self {
            is_dirty: incompatible & 1 != 0,
            says_compression: incompatible & 8 != 0,
            has_bitmaps: autoclear & 1 != 0,
        })
    }
}

fn check_backing(fields: &Fields<'_>) -> Result<(), Error> {
    let (offset, length) = (fields.be_u64(8)?, fields.be_u32(16)?);
    if length > BACKING_NAME_LIMIT_BYTES {
        return Err(Error::limit(format!("the name of the backing file has {length} bytes")));
    }
    if offset != 0 {
        return Err(Error::external_reference(
            "the image has a backing file; flatten it with `qemu-img convert` and upload the result",
        ));
    }
    Ok(())
}

fn geometry(fields: &Fields<'_>, version: u32, file_bytes: u64, limits: &Limits) -> Result<Geometry, Error> {
    if fields.be_u32(32)? != 0 {
        return Err(Error::unsupported("the image is encrypted; decrypt it before uploading"));
    }
    let cluster_bits = fields.be_u32(20)?;
    if !(9..=21).contains(&cluster_bits) {
        return Err(Error::corrupt(format!("the clusters have 2^{cluster_bits} bytes, not 2^9 to 2^21")));
    }
    let size_bytes = fields.be_u64(24)?;
    check_size(size_bytes, limits)?;
    let geometry = Geometry { version, cluster_bits, size_bytes, file_bytes };
    if file_bytes < geometry.cluster_bytes() {
        return Err(Error::truncated("the file ends inside its first cluster"));
    }
    Ok(geometry)
}

/// Length of the header, refcount order, and compression.
fn version_3_fields(
    fields: &Fields<'_>,
    geometry: Geometry,
    features: Features,
) -> Result<(u64, u32, Compression), Error> {
    let refcount_order = fields.be_u32(96)?;
    if refcount_order > 6 {
        return Err(Error::corrupt(format!("the refcounts are 2^{refcount_order} bits wide")));
    }
    let length = u64::from(fields.be_u32(100)?);
    if length < V3_BYTES || !length.is_multiple_of(8) || length > geometry.cluster_bytes() {
        return Err(Error::corrupt(format!("the header says that it has {length} bytes")));
    }
    let kind = if length > V3_BYTES { fields.array::<1>(104)?[0] } else { 0 };
    if (kind != 0) != features.says_compression {
        return Err(Error::corrupt("the compression type and its feature bit contradict each other"));
    }
    let compression = match kind {
        0 => Compression::Deflate,
        1 => Compression::Zstd,
        _ => return Err(Error::unsupported(format!("compression type {kind} is not known"))),
    };
    Ok((length, refcount_order, compression))
}

fn l1_entries(declared: u32, geometry: Geometry, limits: &Limits) -> Result<u64, Error> {
    let allowed = L1_LIMIT_BYTES.min(limits.table_bytes);
    if u64::from(declared) * 8 > allowed {
        return Err(Error::limit(format!(
            "the L1 table has {declared} entries; {} are allowed",
            allowed / 8
        )));
    }
    let table_covers = geometry.entries_per_table() * geometry.cluster_bytes();
    let needed = geometry.size_bytes.div_ceil(table_covers);
    if u64::from(declared) < needed {
        return Err(Error::corrupt(format!("the L1 table has {declared} entries; the disk needs {needed}")));
    }
    Ok(needed)
}
