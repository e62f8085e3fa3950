//! A guest's files as facts and findings read them: links followed inside the tree, sizes bounded.
//!
//! `Ok(None)` means that nothing is there; what could not be told is an error and becomes "unknown", never "absent".

use crate::bytes::{as_u64, as_usize};
use crate::memory::Memory;
use crate::tree::{Error, Node, NodeKind, Tree};
use crate::walk::{self, Limits, Next};

/// Bytes of a configuration file that are looked at.
pub(crate) const CONFIG_BYTES: usize = 1 << 20;
/// Names in one folder that are looked at.
pub(crate) const MOST_NAMES: usize = 100_000;

/// The root of an installed system.
#[derive(Clone, Copy)]
pub struct Guest<'a> {
    tree: &'a dyn Tree,
    memory: Option<&'a Memory>,
}

impl std::fmt::Debug for Guest<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Guest").finish_non_exhaustive()
    }
}

/// A file found under a folder.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Where, from the root.
    pub(crate) path: Vec<u8>,
    /// What stands there; a link is told as a link.
    pub(crate) node: Node,
}

impl<'a> Guest<'a> {
    /// The system whose root `tree` is.
    #[must_use]
    pub fn new(tree: &'a dyn Tree) -> Self {
        Self { tree, memory: None }
    }

    /// The same, with what earlier inspections came to.
    #[must_use]
    pub(crate) fn remembering(self, memory: Option<&'a Memory>) -> Self {
        Self { memory, ..self }
    }

    pub(crate) fn memory(&self) -> Option<&'a Memory> {
        self.memory
    }

    /// What stands at `path` once links are followed, and where that is.
    ///
    /// # Errors
    /// [`Error`] when it cannot be told, or the links turn in a circle.
    pub(crate) fn find(&self, path: impl AsRef<[u8]>) -> Result<Option<(Vec<u8>, Node)>, Error> {
        Ok(walk::follow(self.tree, path.as_ref())?.map(|found| (found.path, found.node)))
    }

    /// What stands at `path` itself; only the folders before it may be links.
    ///
    /// # Errors
    /// As [`Guest::find`].
    pub(crate) fn node_itself(&self, path: impl AsRef<[u8]>) -> Result<Option<Node>, Error> {
        Ok(walk::find(self.tree, path.as_ref())?.map(|found| found.node))
    }

    /// What the link at `path` points to; `None` when no link stands there.
    ///
    /// # Errors
    /// As [`Guest::find`].
    pub(crate) fn link(&self, path: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        match walk::find(self.tree, path.as_ref())? {
            Some(found) if found.node.kind == NodeKind::Link => self.tree.target(&found.path).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether something stands at `path` once links are followed.
    ///
    /// # Errors
    /// As [`Guest::find`].
    pub(crate) fn exists(&self, path: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(self.find(path)?.is_some())
    }

    /// The first megabyte of a regular file; `None` when there is none.
    ///
    /// # Errors
    /// As [`Guest::find`], and when it cannot be read.
    pub(crate) fn file(&self, path: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Error> {
        self.file_up_to(path, CONFIG_BYTES)
    }

    /// The first `most` bytes of a regular file; `None` when there is none.
    ///
    /// # Errors
    /// As [`Guest::file`].
    pub(crate) fn file_up_to(&self, path: impl AsRef<[u8]>, most: usize) -> Result<Option<Vec<u8>>, Error> {
        match self.find(path)? {
            Some((path, node)) if node.kind == NodeKind::File => {
                let wanted = as_usize(node.size_bytes.min(as_u64(most)));
                self.tree.read(&path, 0, wanted).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Bytes of a file already found by [`Guest::find`].
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn read(&self, path: &[u8], offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        self.tree.read(path, offset, most)
    }

    /// The names in a folder, sorted; none when there is no folder.
    ///
    /// # Errors
    /// As [`Guest::find`], and when it cannot be listed.
    pub(crate) fn names(&self, path: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        match self.find(path)? {
            Some((path, node)) if node.kind == NodeKind::Folder => {
                let mut names = self.tree.names(&path, MOST_NAMES)?;
                names.sort_unstable();
                Ok(names)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The paths of `folder`'s entries whose names `wanted` accepts, sorted.
    ///
    /// # Errors
    /// As [`Guest::names`].
    pub(crate) fn entries(
        &self,
        folder: &str,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let names = self.names(folder)?;
        Ok(names.iter().filter(|name| wanted(name)).map(|name| joined(folder.as_bytes(), name)).collect())
    }

    /// Everything under `folder` down to `depth` levels that is no folder, sorted; links are told, not followed.
    ///
    /// # Errors
    /// [`Error`] when a part of it cannot be listed, and [`Error::Budget`] beyond `most` entries.
    pub(crate) fn under(
        &self,
        folder: impl AsRef<[u8]>,
        depth: usize,
        most: u64,
    ) -> Result<Vec<Found>, Error> {
        let Some((start, node)) = self.find(folder)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        if node.kind != NodeKind::Folder {
            return Ok(found);
        }
        let limits = Limits { depth: usize::MAX, entries: most };
        let deepest = start.iter().filter(|byte| **byte == b'/').count() + depth;
        let missed = walk::visit(self.tree, &start, limits, &mut |path, node| {
            if node.kind == NodeKind::Folder {
                let level = path.iter().filter(|byte| **byte == b'/').count();
                return if level > deepest { Next::Skip } else { Next::On };
            }
            found.push(Found { path: path.to_vec(), node: *node });
            Next::On
        });
        match missed.into_iter().next() {
            Some(missed) => Err(missed.error),
            None => {
                found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
                Ok(found)
            }
        }
    }

    /// Visits everything below the folder at `path`, links not followed; what could not be read is returned.
    pub(crate) fn visit(
        &self,
        path: &[u8],
        limits: Limits,
        tell: &mut dyn FnMut(&[u8], &Node) -> Next,
    ) -> Vec<walk::Missed> {
        walk::visit(self.tree, path, limits, tell)
    }

    /// `path` spelled as the tree has it when only the case of letters differs, as Windows finds files.
    ///
    /// # Errors
    /// As [`Guest::names`].
    pub(crate) fn spelled(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let mut at = Vec::new();
        for wanted in path.split('/').filter(|name| !name.is_empty()) {
            let exact = joined(&at, wanted.as_bytes());
            at = if self.tree.node(&exact)?.is_some() {
                exact
            } else {
                let names = self.names(&at)?;
                let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(wanted.as_bytes()))
                else {
                    return Ok(None);
                };
                joined(&at, name)
            };
        }
        Ok(Some(at))
    }
}

/// `folder/name`.
pub(crate) fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    [folder, b"/", name].concat()
}

/// The lines of a text file, without their ends.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The lines that are neither empty nor a `#` comment, trimmed.
pub(crate) fn settings(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines(text).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty() && line.first() != Some(&b'#'))
}
