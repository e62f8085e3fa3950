//! Trees laid over each other, as mounts do.

use std::fmt;

use crate::fs::SharedTree;
use crate::tree::{Error, Node, Tree};

/// A tree that stands at a place in another.
#[derive(Clone)]
pub struct Mount<'a> {
    /// Where, with a leading `/` and no links; `/` for the root.
    pub point: Vec<u8>,
    /// Which of [`crate::Disk::volumes`] it is.
    pub volume: usize,
    tree: SharedTree<'a>,
}

impl fmt::Debug for Mount<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Mount")
            .field("point", &crate::text::plain(&self.point))
            .field("volume", &self.volume)
            .finish_non_exhaustive()
    }
}

/// A root with everything mounted that this disk has.
///
/// Numbers of nodes carry their mount in the upper 8 bits, so that they tell nodes of the whole apart.
#[derive(Clone, Debug)]
pub struct Composite<'a> {
    /// The root first; a later one hides what an earlier one has there.
    mounts: Vec<Mount<'a>>,
}

impl<'a> Composite<'a> {
    pub(crate) fn new(volume: usize, tree: SharedTree<'a>) -> Self {
        Self { mounts: vec![Mount { point: b"/".to_vec(), volume, tree }] }
    }

    /// Lays `tree` over the folder at `point`.
    pub(crate) fn lay(&mut self, point: Vec<u8>, volume: usize, tree: SharedTree<'a>) {
        self.mounts.push(Mount { point, volume, tree });
    }

    /// The root, and what is mounted in it, in the order of mounting.
    #[must_use]
    pub fn mounts(&self) -> &[Mount<'a>] {
        &self.mounts
    }

    /// The mount that holds what stands at `path` (links are not followed), and its path there.
    #[must_use]
    pub fn locate<'p>(&self, path: &'p [u8]) -> Option<(&Mount<'a>, &'p [u8])> {
        self.position(path).and_then(|(index, inside)| Some((self.mounts.get(index)?, inside)))
    }

    fn position<'p>(&self, path: &'p [u8]) -> Option<(usize, &'p [u8])> {
        let mounts = self.mounts.iter().enumerate();
        mounts
            .filter_map(|(index, mount)| Some((index, below(path, &mount.point)?)))
            .min_by_key(|(index, inside)| (inside.len(), usize::MAX - index))
    }

    fn with<T>(
        &self,
        path: &[u8],
        look: impl FnOnce(&SharedTree<'a>, &[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self.locate(path) {
            Some((mount, inside)) => look(&mount.tree, inside),
            None => Err(Error::NotThere("nothing is mounted there".to_owned())),
        }
    }
}

/// What is left of `path` below `point`; `None` when it is not below it.
fn below<'p>(path: &'p [u8], point: &[u8]) -> Option<&'p [u8]> {
    let mut rest = path;
    for name in names(point) {
        rest = rest.get(rest.iter().take_while(|byte| **byte == b'/').count()..)?;
        rest = rest.strip_prefix(name).filter(|rest| rest.first().is_none_or(|byte| *byte == b'/'))?;
    }
    Some(rest)
}

fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty())
}

impl Tree for Composite<'_> {
    fn node(&self, path: &[u8]) -> Result<Option<Node>, Error> {
        let Some((index, inside)) = self.position(path) else {
            return Ok(None);
        };
        let node = self.with(path, |tree, _| tree.node(inside))?;
        let mark = u64::try_from(index & 0xFF).unwrap_or(0) << 56;
        Ok(node.map(|node| Node { number: node.number.map(|number| number ^ mark), ..node }))
    }

    fn names(&self, path: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Error> {
        self.with(path, |tree, inside| tree.names(inside, most))
    }

    fn read(&self, path: &[u8], offset: u64, most: usize) -> Result<Vec<u8>, Error> {
        self.with(path, |tree, inside| tree.read(inside, offset, most))
    }

    fn target(&self, path: &[u8]) -> Result<Vec<u8>, Error> {
        self.with(path, |tree, inside| tree.target(inside))
    }
}
