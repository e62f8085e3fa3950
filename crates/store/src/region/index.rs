//! Which pack holds which chunk: in memory, rebuilt from the packs' footers, about 50 bytes per chunk.
//!
//! A digest may stand in several packs. Reads take the newest copy first and forget a copy that proves bad, so
//! that the chunk counts as lacking, can be sent again, and heals.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hashbrown::HashTable;

use crate::Digest;
use crate::pack::Pack;

/// One copy of a chunk.
#[derive(Clone, Debug)]
pub(crate) struct Location {
    pub(crate) pack: Arc<Pack>,
    /// The chunk's number in its pack.
    pub(crate) chunk: usize,
}

impl Location {
    pub(crate) fn length(&self) -> u32 {
        self.pack.chunks[self.chunk].length
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    pack: u32,
    chunk: u32,
}

impl Slot {
    fn chunk(self) -> usize {
        crate::block::short(self.chunk)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    slots: HashTable<Slot>,
    packs: HashMap<u32, Arc<Pack>>,
    /// Digests of which a copy proved bad and no good one came since.
    bad: HashSet<Digest>,
    /// Packs in which a copy proved bad: kept for whoever wants to mend them.
    suspect: HashSet<u32>,
}

impl Index {
    pub(crate) fn add(&mut self, pack: &Arc<Pack>) {
        self.packs.insert(pack.number, Arc::clone(pack));
        let packs = &self.packs;
        let spread_of = |slot: &Slot| packs[&slot.pack].chunks[slot.chunk()].digest.spread();
        self.slots.reserve(pack.chunks.len(), spread_of);
        for (number, chunk) in pack.chunks.iter().enumerate() {
            let number = u32::try_from(number).expect("a pack's chunk count is read from 32 bits");
            let slot = Slot { pack: pack.number, chunk: number };
            self.slots.insert_unique(chunk.digest.spread(), slot, spread_of);
            if !self.bad.is_empty() {
                self.bad.remove(&chunk.digest);
            }
        }
    }

    /// Forgets a pack and its copies; answers whether it was known.
    pub(crate) fn remove(&mut self, number: u32) -> bool {
        let Some(pack) = self.packs.get(&number).cloned() else { return false };
        for chunk in 0..pack.chunks.len() {
            self.forget(&Location { pack: Arc::clone(&pack), chunk });
        }
        self.suspect.remove(&number);
        self.packs.remove(&number).is_some()
    }

    /// The newest copy.
    pub(crate) fn find(&self, digest: &Digest) -> Option<Location> {
        let copies = self.slots.iter_hash(digest.spread());
        let copies = copies.filter(|slot| self.packs[&slot.pack].chunks[slot.chunk()].digest == *digest);
        let newest = copies.max_by_key(|slot| slot.pack)?;
        Some(Location { pack: Arc::clone(&self.packs[&newest.pack]), chunk: newest.chunk() })
    }

    /// A copy is bad: it is not offered again, and its pack is not collected.
    pub(crate) fn distrust(&mut self, location: &Location) {
        let digest = location.pack.chunks[location.chunk].digest;
        self.forget(location);
        self.suspect(location.pack.number);
        if self.find(&digest).is_none() {
            self.bad.insert(digest);
        }
    }

    fn forget(&mut self, location: &Location) {
        let spread = location.pack.chunks[location.chunk].digest.spread();
        let this = |slot: &Slot| slot.pack == location.pack.number && slot.chunk() == location.chunk;
        if let Ok(slot) = self.slots.find_entry(spread, this) {
            slot.remove();
        }
    }

    /// Keeps a pack from collection because not all of it can be read.
    pub(crate) fn suspect(&mut self, pack: u32) {
        self.suspect.insert(pack);
    }

    pub(crate) fn is_bad(&self, digest: &Digest) -> bool {
        self.bad.contains(digest)
    }

    pub(crate) fn is_suspect(&self, pack: u32) -> bool {
        self.suspect.contains(&pack)
    }

    pub(crate) fn pack(&self, number: u32) -> Option<&Arc<Pack>> {
        self.packs.get(&number)
    }

    /// All packs, oldest first.
    pub(crate) fn packs(&self) -> Vec<Arc<Pack>> {
        let mut packs: Vec<_> = self.packs.values().cloned().collect();
        packs.sort_unstable_by_key(|pack| pack.number);
        packs
    }
}
