//! What a resource with bytes notes of them in its row, and the hold that keeps them.

use arm::Region;
use providers::Document;
use serde_json::Value;
use store::Digest;

/// The image behind a version, disk or blob: what its row notes under `internal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// The image's digest.
    pub root: Digest,
    /// The virtual size in bytes.
    pub size_bytes: u64,
    /// Bytes that are not holes.
    pub data_bytes: u64,
}

impl Image {
    /// The image a row has, if it has one yet.
    pub(crate) fn of(document: &Document) -> Option<Self> {
        let internal = &document.internal;
        let number = |name: &str| internal.get(name).and_then(Value::as_u64);
        Some(Self {
            root: internal.get("root")?.as_str()?.parse().ok()?,
            size_bytes: number("sizeBytes")?,
            data_bytes: number("dataBytes").unwrap_or(0),
        })
    }

    pub(crate) fn note(&self, document: &mut Document) {
        let internal = &mut document.internal;
        internal.insert("root".to_owned(), self.root.to_string().into());
        internal.insert("sizeBytes".to_owned(), self.size_bytes.into());
        internal.insert("dataBytes".to_owned(), self.data_bytes.into());
    }
}

/// The hold that keeps `root` alive in `region`.
pub(crate) fn hold(region: &Region, root: &Digest) -> String {
    format!("{region}/{root}")
}
