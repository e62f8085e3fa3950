//! Finds files by path in a file system that knows them by number.
//!
//! Folders once listed are kept, sorted by name, so that looking at all files costs about one listing of each folder.

use std::sync::Arc;

use super::{Files, is_dots};
use crate::bytes::as_u64;
use crate::folders::Folder;
use crate::tree::{Error, Node, NodeKind, Tree};
use crate::window::Window;

/// Most names of one folder.
const MOST_NAMES: usize = 250_000;
/// Most bytes handed out by one read.
const MOST_READ: usize = 64 << 20;

/// A tree over `F`.
pub(super) struct Paths<'a, F> {
    files: F,
    volume: Window<'a>,
    /// Tells folders of this file system from those of others.
    system: u64,
}

impl<'a, F: Files> Paths<'a, F> {
    pub(super) fn new(files: F, volume: Window<'a>) -> Self {
        let system = volume.folders().number_system();
        Self { files, volume, system }
    }

    /// The number of what stands at `path`.
    fn find(&self, path: &[u8]) -> Result<Option<u64>, Error> {
        let mut id = self.files.root();
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            self.volume.meter().step(1)?;
            let Some(folder) = self.folder_if_any(id)? else {
                return Ok(None);
            };
            match self.lookup(&folder, name) {
                Some(found) => id = found,
                None => return Ok(None),
            }
        }
        Ok(Some(id))
    }

    fn found(&self, path: &[u8]) -> Result<u64, Error> {
        self.find(path)?.ok_or_else(|| Error::NotThere("nothing stands at this path".to_owned()))
    }

    fn lookup(&self, folder: &Folder, name: &[u8]) -> Option<u64> {
        let folds = self.files.folds_case();
        let found = folder.entries.binary_search_by(|(other, _)| order(folds, other, name)).ok()?;
        folder.entries.get(found).map(|(_, id)| *id)
    }

    fn folder_if_any(&self, id: u64) -> Result<Option<Arc<Folder>>, Error> {
        if let Some(folder) = self.volume.folders().get(self.system, id) {
            return Ok(Some(folder));
        }
        if self.files.node(id)?.kind != NodeKind::Folder {
            return Ok(None);
        }
        let listed = self.files.entries(id, MOST_NAMES)?;
        self.volume.meter().list(as_u64(listed.len()))?;
        let named = listed.into_iter().filter(|entry| !is_dots(&entry.name));
        let mut entries: Vec<(Vec<u8>, u64)> = named.map(|entry| (entry.name, entry.id)).collect();
        let folds = self.files.folds_case();
        entries.sort_by(|(one, _), (other, _)| order(folds, one, other));
        self.volume.folders().put(self.system, id, Folder { entries }).map(Some)
    }
}

fn order(folds: bool, one: &[u8], other: &[u8]) -> std::cmp::Ordering {
    if folds {
        let fold = |name: &[u8]| name.iter().map(u8::to_ascii_lowercase).collect::<Vec<_>>();
        fold(one).cmp(&fold(other))
    } else {
        one.cmp(other)
    }
}

impl<F: Files> Tree for Paths<'_, F> {
    fn node(&self, path: &[u8]) -> Result<Option<Node>, Error> {
        self.find(path)?.map(|id| self.files.node(id)).transpose()
    }

    fn names(&self, path: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Error> {
        let id = self.found(path)?;
        let folder = self.folder_if_any(id)?;
        let folder =
            folder.ok_or_else(|| Error::NotThere("what stands at this path is no folder".to_owned()))?;
        if folder.entries.len() > most {
            return Err(Error::Budget("names in one folder"));
        }
        Ok(folder.entries.iter().map(|(name, _)| name.clone()).collect())
    }

    fn read(&self, path: &[u8], offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        let id = self.found(path)?;
        if self.files.node(id)?.kind != NodeKind::File {
            return Err(Error::NotThere("what stands at this path is no regular file".to_owned()));
        }
        self.files.read(id, offset, most.min(MOST_READ))
    }

    fn target(&self, path: &[u8]) -> Result<Vec<u8>, Error> {
        let id = self.found(path)?;
        if self.files.node(id)?.kind != NodeKind::Link {
            return Err(Error::NotThere("what stands at this path is no symbolic link".to_owned()));
        }
        self.files.target(id)
    }
}
