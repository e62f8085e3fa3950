//! One bit per stored copy: what is live, or what must be sent. Small even for millions of chunks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Location;
use crate::pack::Pack;

/// Marked copies, by pack in the order of writing.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    packs: BTreeMap<u32, Marked>,
}

/// The marked chunks of one pack.
#[derive(Debug)]
pub(crate) struct Marked {
    pub(crate) pack: Arc<Pack>,
    bits: Box<[u64]>,
    /// Plain bytes of the marked chunks.
    pub(crate) plain_bytes: u64,
}

impl Marks {
    /// Marks a copy and answers whether it was not marked before.
    pub(crate) fn mark(&mut self, location: &Location) -> bool {
        let pack = &location.pack;
        let marked = self.packs.entry(pack.number).or_insert_with(|| Marked {
            pack: Arc::clone(pack),
            bits: vec![0; pack.chunks.len().div_ceil(64)].into(),
            plain_bytes: 0,
        });
        let (word, bit) = (location.chunk / 64, 1 << (location.chunk % 64));
        let fresh = marked.bits[word] & bit == 0;
        if fresh {
            marked.bits[word] |= bit;
            marked.plain_bytes += u64::from(location.length());
        }
        fresh
    }

    pub(crate) fn of_pack(&self, pack: u32) -> Option<&Marked> {
        self.packs.get(&pack)
    }

    pub(crate) fn packs(&self) -> impl Iterator<Item = &Marked> {
        self.packs.values()
    }

    /// Plain bytes of everything marked.
    pub(crate) fn plain_bytes(&self) -> u64 {
        self.packs.values().map(|marked| marked.plain_bytes).sum()
    }
}

impl Marked {
    pub(crate) fn has(&self, chunk: usize) -> bool {
        self.bits[chunk / 64] & 1 << (chunk % 64) != 0
    }

    /// The blocks with something marked, and whether all of each is.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (usize, bool)> {
        (0..self.pack.blocks.len()).filter_map(|block| {
            let mut chunks = self.pack.chunks_of(block);
            let any = chunks.clone().any(|chunk| self.has(chunk));
            any.then(|| (block, chunks.all(|chunk| self.has(chunk))))
        })
    }
}
