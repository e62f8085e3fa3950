//! Azure's own description of its wire: Swagger 2.0 documents, read as they lie.
//!
//! A reference is followed lexically from the document it stands in, so a folder is complete in itself. Of several
//! releases of one document only the newest is read.

mod operation;
mod schema;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

pub(crate) use operation::{Operation, Place};
#[cfg(test)]
pub(crate) use schema::Findings;
pub(crate) use schema::{Direction, check};

/// The documents that describe what a gallery serves; others in the folder are read only where these refer to them.
const DOCUMENTS: [&str; 10] = [
    "gallery.json",
    "sharedGallery.json",
    "communityGallery.json",
    "image.json",
    "virtualMachineImage.json",
    "disk.json",
    "snapshot.json",
    "diskAccess.json",
    "diskEncryptionSet.json",
    "skus.json",
];

/// How far one reference may lead on to the next.
const MOST_STEPS: usize = 32;

/// A folder of documents.
#[derive(Debug)]
pub(crate) struct Specs {
    documents: RefCell<HashMap<PathBuf, Rc<Value>>>,
    /// The documents in scope, in the order of [`DOCUMENTS`].
    chosen: Vec<PathBuf>,
}

/// A piece of a document, and the document for the references in it.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) document: PathBuf,
    pub(crate) value: Value,
}

impl Specs {
    /// Finds the newest release of each document below `folder`.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut found: BTreeMap<usize, PathBuf> = BTreeMap::new();
        look(folder, &mut found).with_context(|| format!("could not read {}", folder.display()))?;
        ensure!(!found.is_empty(), "no document of a gallery's wire lies below {}", folder.display());
        Ok(Self { documents: RefCell::default(), chosen: found.into_values().collect() })
    }

    /// Every operation of the documents in scope, document by document, ordered by path.
    pub(crate) fn operations(&self) -> anyhow::Result<Vec<Operation>> {
        let mut operations = Vec::new();
        for path in &self.chosen {
            operations.extend(operation::read(self, path)?);
        }
        Ok(operations)
    }

    /// The document at `path`.
    pub(crate) fn document(&self, path: &Path) -> anyhow::Result<Rc<Value>> {
        if let Some(known) = self.documents.borrow().get(path) {
            return Ok(known.clone());
        }
        let text = fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
        let parsed = serde_json::from_slice(without_mark(&text));
        let parsed: Rc<Value> = Rc::new(parsed.with_context(|| format!("{} is no JSON", path.display()))?);
        self.documents.borrow_mut().insert(path.to_owned(), parsed.clone());
        Ok(parsed)
    }

    /// `located` itself, or what its reference leads to.
    pub(crate) fn resolved(&self, located: &Located) -> anyhow::Result<Located> {
        let mut at = located.clone();
        for _ in 0..MOST_STEPS {
            let Some(reference) = at.value.get("$ref").and_then(Value::as_str) else { return Ok(at) };
            let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
            let document = match file {
                "" => at.document.clone(),
                file => lexical(&at.document.parent().unwrap_or(Path::new("")).join(file)),
            };
            let value = self.document(&document)?.pointer(pointer).cloned();
            let value = value.with_context(|| format!("{} has no {reference}", at.document.display()))?;
            at = Located { document, value };
        }
        bail!("a reference in {} leads round in a circle", located.document.display())
    }
}

impl Located {
    /// The member called `name`, in the same document.
    pub(crate) fn member(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?.clone();
        Some(Self { document: self.document.clone(), value })
    }
}

/// Folders of releases are named by date, so the last one in order is the newest.
fn look(folder: &Path, found: &mut BTreeMap<usize, PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "examples" {
            look(&path, found)?;
        } else if let Some(at) = DOCUMENTS.iter().position(|known| *known == name) {
            found.insert(at, path);
        }
    }
    Ok(())
}

/// The path without `.` and `..`.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// Some files begin with a byte order mark.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}
