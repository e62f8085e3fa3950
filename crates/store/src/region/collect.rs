//! Frees what nothing references.
//!
//! Why a publish that re-uses a chunk and a collection that drops it cannot both win:
//!
//! 1. A collection begins, under the region's lock, by noting which packs exist (only these are candidates) and by
//!    *touching* every pack that is pinned. From then on each pin touches its pack, also when it is released again.
//! 2. Only after that it asks `live` for the roots and the open owners, and marks what they reach.
//! 3. It removes a candidate from the index, again under the lock, only if the pack is neither touched nor pinned,
//!    nothing marked is left in it, and its owner is not open. The file goes after the index entry.
//!
//! A publisher holds a pin on the chunk from before it relies on it until its root is durable where `live` looks. If the
//! pin was released before step 1, `live` sees the root and the chunk is marked. If it was held at step 1 or
//! taken between 1 and 3, the pack is touched. If it is taken after 3, the index has no such chunk: `hold` answers
//! no, and the publisher sends it again. There is no fourth case, because all three happen under one lock.
//! Packs sealed after step 1 are no candidates. Packs of an owner whose row was durable before it sealed them are
//! protected by the open owner or, once that is closed, by the root that its commit left.
//!
//! Anything that cannot be read ends the collection before it removes more. A crash at any point leaves whole
//! packs: a pack that was to go is found again, a rewritten chunk may stand twice, and the next collection clears both.

use std::collections::{BTreeMap, HashSet};
use std::error::Error as StdError;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::marks::Marked;
use super::{Marks, Owner, Region};
use crate::coding::wide;
use crate::compression::Effort;
use crate::manifest::{Descend, Visit};
use crate::pack::Pack;
use crate::transfer::send_marked;
use crate::{Digest, Entry, Error};

/// The owner of packs that a collection writes; never open.
const COLLECTOR: Owner = Owner([0; 16]);

/// So many packs of at most one part in so many of a full one are joined.
const SMALL_PACKS: usize = 8;

/// What must stay.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The root digests of every image that this region must keep.
    pub roots: Vec<Digest>,
    /// Owners whose packs must stay although no root reaches them yet.
    pub open_owners: HashSet<Owner>,
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Packs removed because nothing in them was live.
    pub dropped_packs: usize,
    /// Packs whose live part was written anew, or that were joined.
    pub rewritten_packs: usize,
    /// Bytes that the region's files shrank by.
    pub freed_bytes: u64,
    /// Dead packs, or mostly dead ones, that had to stay: pinned, of an open owner, or damaged.
    pub spared_packs: usize,
    /// Plain bytes that are live.
    pub live_bytes: u64,
    /// Live chunks that the region lacks or holds only damaged.
    pub missing_chunks: u64,
}

impl Region {
    /// Removes packs with nothing live, rewrites those with little of it, and joins small ones.
    ///
    /// `live` is asked after the collection has begun to watch pins: it must read what is committed *then*, not an
    /// earlier answer. Only one collection runs at a time; a second waits.
    ///
    /// # Errors
    /// [`Error::Roots`] when `live` fails, [`Error::Missing`] or [`Error::Corrupt`] when a live manifest cannot be
    /// read; in both cases nothing was removed. [`Error::Unavailable`] when files cannot be changed; what was done
    /// until then stands.
    pub fn collect(
        &self,
        live: impl FnOnce() -> Result<Live, Box<dyn StdError + Send + Sync>>,
    ) -> Result<Collected, Error> {
        let collection = Collection::begin(self);
        let Live { roots, open_owners } = live().map_err(Error::Roots)?;
        let mut marking = Marking::new(self);
        for root in roots {
            self.manifest(root)?.walk(&mut marking)?;
        }
        collection.mark_images_in_use(&mut marking)?;
        collection.sweep(&marking, &open_owners)
    }
}

/// A collection under way; pins are watched until it is dropped.
struct Collection<'a> {
    region: &'a Region,
    candidates: Vec<Arc<Pack>>,
    _alone: MutexGuard<'a, ()>,
}

impl<'a> Collection<'a> {
    fn begin(region: &'a Region) -> Self {
        let alone = region.0.collecting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = region.state();
        state.holds.begin_collection();
        let candidates = state.index.packs();
        drop(state);
        Self { region, candidates, _alone: alone }
    }

    /// Readers of an image that no version names any more keep it until they are done.
    fn mark_images_in_use(&self, marking: &mut Marking<'_>) -> Result<(), Error> {
        let mut done = HashSet::new();
        loop {
            let open: Vec<Digest> = self.region.state().holds.roots().copied().collect();
            let fresh: Vec<Digest> = open.into_iter().filter(|root| done.insert(*root)).collect();
            if fresh.is_empty() {
                return Ok(());
            }
            for root in fresh {
                match self.region.manifest(root).and_then(|manifest| manifest.walk(marking)) {
                    // It was opened while an earlier collection dropped it: what is gone cannot be kept.
                    Ok(()) | Err(Error::Missing { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    fn sweep(&self, marking: &Marking<'_>, open_owners: &HashSet<Owner>) -> Result<Collected, Error> {
        let mut result = Collected {
            live_bytes: marking.marks.plain_bytes(),
            missing_chunks: marking.missing,
            ..Collected::default()
        };
        let mut rewrite = BTreeMap::new();
        let mut small = BTreeMap::new();
        for pack in &self.candidates {
            let marked = marking.marks.of_pack(pack.number);
            if !self.is_wasteful(pack, marked) {
                let joinable = self.is_small(pack) && !open_owners.contains(&pack.owner);
                if let Some(marked) = marked.filter(|_| joinable && !self.is_spared(pack.number)) {
                    small.insert(pack.number, marked);
                }
                continue;
            }
            if open_owners.contains(&pack.owner) || self.is_spared(pack.number) {
                result.spared_packs += 1;
            } else if let Some(marked) = marked {
                rewrite.insert(pack.number, marked);
            } else if self.drop_pack(pack)? {
                result.dropped_packs += 1;
                result.freed_bytes += pack.file_bytes;
            } else {
                result.spared_packs += 1;
            }
        }
        if small.len() >= SMALL_PACKS {
            rewrite.append(&mut small);
        }
        self.rewrite(&rewrite, &mut result)?;
        Ok(result)
    }

    /// Whether a pack is so short that it is worth joining with others of its kind: many small uploads leave many.
    fn is_small(&self, pack: &Pack) -> bool {
        pack.file_bytes * wide(SMALL_PACKS) <= self.region.0.options.pack_bytes
    }

    fn is_wasteful(&self, pack: &Pack, marked: Option<&Marked>) -> bool {
        let live = marked.map_or(0, |marked| marked.plain_bytes);
        live == 0 || live * 100 < pack.plain_bytes() * self.region.0.options.rewrite_below_percent
    }

    fn is_spared(&self, pack: u32) -> bool {
        let state = self.region.state();
        state.holds.is_touched(pack) || state.index.is_suspect(pack)
    }

    /// Step 3: answers whether the pack is gone.
    fn drop_pack(&self, pack: &Arc<Pack>) -> Result<bool, Error> {
        let mut state = self.region.state();
        if state.holds.is_touched(pack.number) || state.index.is_suspect(pack.number) {
            return Ok(false);
        }
        state.index.remove(pack.number);
        drop(state);
        self.region.forget_file(pack.number);
        if let Err(source) = self.region.0.folder.remove_pack(pack.number) {
            // Still there, so it counts again and the next collection tries again.
            self.region.state().index.add(pack);
            return Err(self.region.unavailable("remove a pack", source));
        }
        Ok(true)
    }

    /// Writes the live part of each pack anew, and drops the old packs once that is durable.
    fn rewrite(&self, packs: &BTreeMap<u32, &Marked>, result: &mut Collected) -> Result<(), Error> {
        if packs.is_empty() {
            return Ok(());
        }
        let writer = self.region.writer(COLLECTOR);
        let mut rewritten = Vec::new();
        for marked in packs.values() {
            match send_marked(self.region, marked, Effort::Keep, &mut |block| writer.store(&block)) {
                Ok(()) => rewritten.push(marked),
                // What cannot be copied whole stays where it is, for whoever can mend it.
                Err(Error::Corrupt { .. }) => {
                    self.region.state().index.suspect(marked.pack.number);
                    result.spared_packs += 1;
                }
                Err(error) => return Err(error),
            }
        }
        let sealed = writer.seal()?;
        let mut freed = 0;
        for marked in rewritten {
            if self.drop_pack(&marked.pack)? {
                result.rewritten_packs += 1;
                freed += marked.pack.file_bytes;
            } else {
                result.spared_packs += 1;
            }
        }
        result.freed_bytes += freed.saturating_sub(sealed.stored_bytes);
        Ok(())
    }
}

impl Drop for Collection<'_> {
    fn drop(&mut self) {
        self.region.state().holds.touched = None;
    }
}

/// Marks the copies that live images use.
struct Marking<'a> {
    region: &'a Region,
    marks: Marks,
    missing: u64,
}

impl<'a> Marking<'a> {
    fn new(region: &'a Region) -> Self {
        Self { region, marks: Marks::default(), missing: 0 }
    }
}

impl Visit for Marking<'_> {
    fn page(&mut self, digest: &Digest) -> Result<Descend, Error> {
        // What stands below a marked page was marked with it.
        let fresh = self.marks.mark(&self.region.locate(digest)?);
        Ok(if fresh { Descend::Into } else { Descend::Past })
    }

    fn entry(&mut self, _offset: u64, entry: &Entry) -> Result<(), Error> {
        let Entry::Chunk { digest, .. } = entry else { return Ok(()) };
        match self.region.locate(digest) {
            Ok(location) => {
                self.marks.mark(&location);
            }
            // A damaged image must not stop the collection of others, and its loss must not make it worse.
            Err(Error::Missing { .. } | Error::Corrupt { .. }) => self.missing += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
