//! The JSON of an upload.

use crate::shape::{Field, Kind};

/// `uploadState` while bytes may still come.
pub const OPEN: &str = "Open";
/// `uploadState` once the bytes are complete and verified.
pub const COMMITTED: &str = "Committed";

/// 64 TiB, the largest disk of any format that is read here.
const LARGEST_DISK_BYTES: i64 = 1 << 46;

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("format", Kind::Choice(&["raw", "vhd", "vhdx", "qcow2", "vmdk"])).fixed().required(),
    Field::new("sizeBytes", Kind::Integer(512, LARGEST_DISK_BYTES)).fixed().required(),
    Field::new("fileName", Kind::Text(255)).fixed(),
    Field::new("uploadState", Kind::Choice(&[OPEN, COMMITTED])).read_only(),
    Field::new("digest", Kind::Text(128)).read_only(),
    Field::new("logicalBytes", Kind::Integer(0, i64::MAX)).read_only(),
    Field::new("newBytes", Kind::Integer(0, i64::MAX)).read_only(),
    Field::new("storedBytes", Kind::Integer(0, i64::MAX)).read_only(),
    Field::new("expiresAt", Kind::Time).read_only(),
];
