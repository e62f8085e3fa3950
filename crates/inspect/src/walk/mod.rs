//! Finds and visits files inside one tree, following its links as its guest would.
//!
//! Nothing leads outside: `..` at the root stays there, an absolute target begins again at the root, 40 links are followed
//! at most (Linux's `MAXSYMLINKS`). A visit meets each folder once, whatever links it to itself, and never recurses.

use std::collections::HashSet;

use crate::tree::{Error, Node, NodeKind, Tree};

/// Most links followed on the way to one file.
const MOST_LINKS: usize = 40;
/// Longest path made of links, in bytes; Linux's `PATH_MAX`.
const MOST_PATH_BYTES: usize = 4096;
/// Most names of one folder in a visit.
const MOST_NAMES: usize = 250_000;
/// Most bytes of the paths of folders that a visit has met but not yet entered.
const MOST_AHEAD_BYTES: usize = 32 << 20;

/// A file at the end of all links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path, without links, `.` and `..`, and with a leading `/`.
    pub path: Vec<u8>,
    /// What stands there; never a link.
    pub node: Node,
}

/// What stands at `path` once all links are followed; `None` when nothing does.
///
/// # Errors
/// [`Error`] when that cannot be told, or the links turn in a circle.
pub fn follow(tree: &dyn Tree, path: &[u8]) -> Result<Option<Found>, Error> {
    resolve(tree, path, true)
}

/// As [`follow`], but a link in the last place is told itself.
///
/// # Errors
/// As [`follow`].
pub fn find(tree: &dyn Tree, path: &[u8]) -> Result<Option<Found>, Error> {
    resolve(tree, path, false)
}

/// The bytes of the regular file at `path`, links followed; `None` when nothing stands there.
///
/// # Errors
/// [`Error::Budget`] when it is longer than `most` bytes, [`Error::NotThere`] when it is no regular file.
pub fn read_file(tree: &dyn Tree, path: &[u8], most: usize) -> Result<Option<Vec<u8>>, Error> {
    let Some(found) = follow(tree, path)? else {
        return Ok(None);
    };
    if found.node.kind != NodeKind::File {
        return Err(Error::NotThere("what stands at this path is no regular file".to_owned()));
    }
    if usize::try_from(found.node.size_bytes).is_ok_and(|size| size <= most) {
        tree.read(&found.path, 0, most).map(Some)
    } else {
        Err(Error::Budget("bytes of one file"))
    }
}

fn resolve(tree: &dyn Tree, path: &[u8], follows_last: bool) -> Result<Option<Found>, Error> {
    let mut ahead: Vec<Vec<u8>> = names(path).rev().map(<[u8]>::to_vec).collect();
    let mut at: Vec<u8> = Vec::new();
    let mut links = 0;
    let root = || Error::NotThere("the tree has no root".to_owned());
    let mut node = tree.node(b"/")?.ok_or_else(root)?;
    while let Some(name) = ahead.pop() {
        if node.kind != NodeKind::Folder {
            return Ok(None);
        }
        if name == b".." {
            at.truncate(at.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
            node = tree.node(shown(&at))?.ok_or_else(root)?;
            continue;
        }
        let above = at.len();
        at.push(b'/');
        at.extend_from_slice(&name);
        if at.len() > MOST_PATH_BYTES {
            return Err(Error::Damaged("a path is longer than 4096 bytes".to_owned()));
        }
        let Some(next) = tree.node(&at)? else {
            return Ok(None);
        };
        node = next;
        if node.kind != NodeKind::Link || (ahead.is_empty() && !follows_last) {
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(Error::Damaged("more than 40 links lead to one another".to_owned()));
        }
        let target = tree.target(&at)?;
        if target.len() > MOST_PATH_BYTES {
            return Err(Error::Damaged("the target of a link is longer than 4096 bytes".to_owned()));
        }
        at.truncate(if target.first() == Some(&b'/') { 0 } else { above });
        node = tree.node(shown(&at))?.ok_or_else(root)?;
        ahead.extend(names(&target).rev().map(<[u8]>::to_vec));
    }
    Ok(Some(Found { path: shown(&at).to_vec(), node }))
}

/// The root has no name, and yet a path.
fn shown(path: &[u8]) -> &[u8] {
    if path.is_empty() { b"/" } else { path }
}

fn names(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

/// How far a visit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Folders below the first; deeper ones are told but not entered.
    pub depth: usize,
    /// Files and folders told.
    pub entries: u64,
}

impl Default for Limits {
    /// 2048 folders deep, two million entries.
    fn default() -> Self {
        Self { depth: 2048, entries: 2_000_000 }
    }
}

/// What a visit could not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Where.
    pub path: Vec<u8>,
    /// Why.
    pub error: Error,
}

/// Whether a visit enters a folder it told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Goes on as usual.
    On,
    /// Does not enter this folder.
    Skip,
    /// Ends the visit.
    Stop,
}

/// What is told of everything met: its path, and what stands there.
pub type Teller<'t> = &'t mut dyn FnMut(&[u8], &Node) -> Next;

/// Tells everything below the folder at `path` (no link is followed) to `tell`, folders before what is in them.
///
/// What cannot be read is returned, and is not the end: other folders are still visited.
pub fn visit(tree: &dyn Tree, path: &[u8], limits: Limits, tell: Teller<'_>) -> Vec<Missed> {
    let mut visit = Visit {
        tree,
        limits,
        told: 0,
        folders: HashSet::new(),
        ahead: Vec::new(),
        ahead_bytes: 0,
        missed: Vec::new(),
    };
    visit.run(path, tell);
    visit.missed
}

/// Most failures kept: a damaged file system has as many as it has files.
const MOST_MISSED: usize = 1000;

struct Visit<'t> {
    tree: &'t dyn Tree,
    limits: Limits,
    told: u64,
    /// Numbers of folders already entered.
    folders: HashSet<u64>,
    /// Folders to enter, the next one last, each with how deep it is.
    ahead: Vec<(Vec<u8>, usize)>,
    ahead_bytes: usize,
    missed: Vec<Missed>,
}

impl Visit<'_> {
    fn run(&mut self, path: &[u8], tell: Teller<'_>) {
        let start: Vec<u8> = names(path).flat_map(|name| [b"/", name].concat()).collect();
        if let Ok(Some(node)) = self.tree.node(shown(&start)) {
            self.folders.extend(node.number);
        }
        self.ahead_bytes = start.len();
        self.ahead.push((start, 0));
        while let Some((folder, depth)) = self.ahead.pop() {
            self.ahead_bytes -= folder.len();
            let goes_on = match self.tree.names(shown(&folder), MOST_NAMES) {
                Ok(names) => self.tell_all(&folder, names, depth, tell),
                Err(error) => self.miss(folder, error),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Tells what stands in a folder; returns whether the visit goes on.
    fn tell_all(&mut self, folder: &[u8], names: Vec<Vec<u8>>, depth: usize, tell: Teller<'_>) -> bool {
        let first = self.ahead.len();
        for name in names {
            let path = [folder, b"/", &name].concat();
            let node = match self.tree.node(&path) {
                Ok(Some(node)) => node,
                Ok(None) => continue,
                Err(error) => {
                    if self.miss(path, error) {
                        continue;
                    }
                    return false;
                }
            };
            self.told += 1;
            if self.told > self.limits.entries {
                self.miss(path, Error::Budget("entries of a visit"));
                return false;
            }
            match tell(&path, &node) {
                Next::Stop => return false,
                Next::On if node.kind == NodeKind::Folder && self.is_entered(&path, &node, depth) => {
                    self.ahead_bytes += path.len();
                    self.ahead.push((path, depth + 1));
                }
                Next::On | Next::Skip => {}
            }
        }
        // The last one is entered first, so that folders come in the order of their names.
        self.ahead.get_mut(first..).unwrap_or_default().reverse();
        true
    }

    /// Whether a folder is entered: not a second time, not too deep, and not while too many others wait.
    fn is_entered(&mut self, path: &[u8], node: &Node, depth: usize) -> bool {
        let refusal = if depth >= self.limits.depth || path.len() > MOST_PATH_BYTES {
            Error::Budget("folders below one another")
        } else if self.ahead_bytes + path.len() > MOST_AHEAD_BYTES {
            Error::Budget("folders beside one another")
        } else if node.number.is_none_or(|number| self.folders.insert(number)) {
            return true;
        } else {
            Error::Damaged("the folder is linked in a second place".to_owned())
        };
        self.miss(path.to_vec(), refusal);
        false
    }

    /// Keeps a failure; tells whether there is a point in going on.
    fn miss(&mut self, path: Vec<u8>, error: Error) -> bool {
        // When the budget of the whole disk is used up, nothing else can be read either.
        let goes_on = !matches!(error, Error::Budget("bytes read" | "steps" | "names listed" | "memory"));
        if self.missed.len() < MOST_MISSED {
            self.missed.push(Missed { path, error });
        }
        goes_on
    }
}
