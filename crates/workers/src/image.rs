//! What a resource with bytes notes of them in its row, and the hold that keeps them.

use std::collections::BTreeSet;

use arm::Region;
use providers::Document;
use serde_json::{Value, json};
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

    /// As [`Image::of`], from a note of its own.
    fn read(note: &Value) -> Option<Self> {
        Some(Self {
            root: note["root"].as_str()?.parse().ok()?,
            size_bytes: note["sizeBytes"].as_u64()?,
            data_bytes: note["dataBytes"].as_u64().unwrap_or(0),
        })
    }

    pub(crate) fn note(&self, document: &mut Document) {
        let internal = &mut document.internal;
        internal.insert("root".to_owned(), self.root.to_string().into());
        internal.insert("sizeBytes".to_owned(), self.size_bytes.into());
        internal.insert("dataBytes".to_owned(), self.data_bytes.into());
    }
}

/// The images behind a version or managed image: its OS disk, and its data disks by LUN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Images {
    pub(crate) os: Image,
    pub(crate) data: Vec<(i64, Image)>,
}

const DATA_DISKS: &str = "dataDisks";

impl Images {
    /// The images a row has, if it has them yet.
    pub(crate) fn of(document: &Document) -> Option<Self> {
        let listed = document.internal.get(DATA_DISKS).and_then(Value::as_array).into_iter().flatten();
        let data = listed.map(|disk| Some((disk["lun"].as_i64()?, Image::read(disk)?)));
        Some(Self { os: Image::of(document)?, data: data.collect::<Option<_>>()? })
    }

    pub(crate) fn note(&self, document: &mut Document) {
        self.os.note(document);
        let listed = self.data.iter().map(|(lun, image)| {
            json!({"lun": lun, "root": image.root.to_string(), "sizeBytes": image.size_bytes, "dataBytes": image.data_bytes})
        });
        let listed: Vec<Value> = listed.collect();
        if !listed.is_empty() {
            document.internal.insert(DATA_DISKS.to_owned(), listed.into());
        }
    }

    /// The image of a data disk, or of the OS disk.
    pub(crate) fn disk(&self, lun: Option<i64>) -> Option<&Image> {
        match lun {
            None => Some(&self.os),
            Some(lun) => self.data.iter().find(|(number, _)| *number == lun).map(|(_, image)| image),
        }
    }

    /// All of them, the OS disk first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Image> {
        std::iter::once(&self.os).chain(self.data.iter().map(|(_, image)| image))
    }

    /// The holds that keep them alive in `regions`, each once.
    pub(crate) fn holds(&self, regions: &[Region]) -> Vec<String> {
        let roots: BTreeSet<&Digest> = self.all().map(|image| &image.root).collect();
        regions.iter().flat_map(|region| roots.iter().map(|root| hold(region, root))).collect()
    }

    /// Whether `store` has them, as far as their roots tell: a root is stored after all below it.
    pub(crate) fn are_in(&self, store: &store::Region) -> bool {
        self.all().all(|image| store.has(&image.root))
    }
}

/// The hold that keeps `root` alive in `region`.
pub(crate) fn hold(region: &Region, root: &Digest) -> String {
    format!("{region}/{root}")
}
