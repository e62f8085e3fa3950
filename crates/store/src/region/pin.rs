//! Pins: what a publish relies on until its database commit, and what is being read, kept from the collector.
//!
//! A pin holds whole packs, so its size is bounded by the number of packs, not of chunks. The argument why a pinned
//! chunk is never dropped stands in [`super::collect`].

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::{Location, Region};
use crate::{Digest, Error};

/// Pin counts of packs, images in use, and what a collection under way must not touch.
#[derive(Debug, Default)]
pub(super) struct Holds {
    packs: HashMap<u32, usize>,
    roots: HashMap<Digest, usize>,
    /// `Some` while a collection is under way: every pack pinned since it began, released or not.
    pub(super) touched: Option<HashSet<u32>>,
}

impl Holds {
    fn hold(&mut self, pack: u32) {
        *self.packs.entry(pack).or_default() += 1;
        if let Some(touched) = &mut self.touched {
            touched.insert(pack);
        }
    }

    /// From now on remembers what is pinned, beginning with what is.
    pub(super) fn begin_collection(&mut self) {
        self.touched = Some(self.packs.keys().copied().collect());
    }

    /// Whether a pack is, or was since the collection began, pinned.
    pub(super) fn is_touched(&self, pack: u32) -> bool {
        self.packs.contains_key(&pack) || self.touched.as_ref().is_some_and(|touched| touched.contains(&pack))
    }

    /// Images in use.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Digest> {
        self.roots.keys()
    }
}

fn release<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// Keeps chunks from being collected until it is dropped.
///
/// Drop it only after what relies on the chunks is durable where the collector's `live` looks.
pub struct Pin {
    region: Region,
    packs: Mutex<HashSet<u32>>,
}

impl Pin {
    pub(super) fn new(region: Region) -> Self {
        Self { region, packs: Mutex::default() }
    }

    /// Whether the region has the chunk; if so it stays for as long as this pin lives.
    #[must_use]
    pub fn hold(&self, digest: &Digest) -> bool {
        self.hold_length(digest).is_some()
    }

    /// Like [`Pin::hold`], answering the plain length of what is held.
    #[must_use]
    pub fn hold_length(&self, digest: &Digest) -> Option<u32> {
        self.hold_copy(digest).ok().map(|location| location.length())
    }

    /// Like [`Pin::hold`], answering the copy that is held.
    pub(crate) fn hold_copy(&self, digest: &Digest) -> Result<Location, Error> {
        let mut state = self.region.state();
        let location = state.locate(digest)?;
        if self.lock().insert(location.pack.number) {
            state.holds.hold(location.pack.number);
        }
        Ok(location)
    }

    /// Holds a pack that becomes visible while `state` is locked.
    pub(super) fn hold_pack(&self, state: &mut super::State, pack: u32) {
        if self.lock().insert(pack) {
            state.holds.hold(pack);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<u32>> {
        self.packs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let packs = std::mem::take(&mut *self.lock());
        let mut state = self.region.state();
        for pack in &packs {
            release(&mut state.holds.packs, pack);
        }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pin").field("packs", &self.lock().len()).finish_non_exhaustive()
    }
}

/// An image in use: until this is dropped its root counts as live although no version may name it any more.
#[derive(Debug)]
pub struct InUse {
    region: Region,
    root: Digest,
}

impl InUse {
    pub(crate) fn new(region: &Region, root: Digest) -> Self {
        *region.state().holds.roots.entry(root).or_default() += 1;
        Self { region: region.clone(), root }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        release(&mut self.region.state().holds.roots, &self.root);
    }
}
