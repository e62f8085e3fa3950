//! Unpacked blocks that were read lately, so that reading chunk after chunk unpacks each block once.
//!
//! Two readers that want the same block wait for one unpacking. A chunk is proven the first time it is taken from a
//! block, not each time. Bounded by plain bytes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::lru::Lru;

/// Pack number and block number.
pub(crate) type BlockKey = (u32, usize);

/// A block's plain bytes and which of its chunks were proven.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) bytes: Vec<u8>,
    proven: Box<[AtomicBool]>,
}

impl Unpacked {
    pub(crate) fn new(bytes: Vec<u8>, chunk_count: usize) -> Self {
        Self { bytes, proven: (0..chunk_count).map(|_| AtomicBool::new(false)).collect() }
    }

    /// Whether `chunk` is proven, asking `prove` when it is not known yet.
    pub(crate) fn is_proven(&self, chunk: usize, prove: impl FnOnce() -> bool) -> bool {
        // The bytes never change, so proving twice is only wasted time.
        if self.proven[chunk].load(Ordering::Relaxed) {
            return true;
        }
        let good = prove();
        self.proven[chunk].store(good, Ordering::Relaxed);
        good
    }
}

#[derive(Debug)]
pub(crate) struct BlockCache {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State {
    blocks: Lru<BlockKey, Arc<Unpacked>>,
    coming: HashSet<BlockKey>,
}

impl BlockCache {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        let state = State { blocks: Lru::new(limit_bytes), coming: HashSet::new() };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// The block, from memory or from `unpack`, which runs on one thread only per block.
    pub(crate) fn get<E>(
        &self,
        key: BlockKey,
        unpack: impl FnOnce() -> Result<Unpacked, E>,
    ) -> Result<Arc<Unpacked>, E> {
        let mut state = self.lock();
        loop {
            if let Some(block) = state.blocks.get(&key) {
                return Ok(block);
            }
            if state.coming.insert(key) {
                break;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        let arrival = Arrival { cache: self, key };
        let block = Arc::new(unpack()?);
        self.lock().blocks.put(key, Arc::clone(&block), block.bytes.len());
        drop(arrival);
        Ok(block)
    }

    pub(crate) fn contains_or_coming(&self, key: BlockKey) -> bool {
        let mut state = self.lock();
        state.coming.contains(&key) || state.blocks.get(&key).is_some()
    }

    /// Forgets the blocks of a pack that is no more, or that is not trusted.
    pub(crate) fn forget_pack(&self, pack: u32) {
        self.lock().blocks.retain(|(number, _)| *number != pack);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes those who wait for a block, also when unpacking it failed or panicked.
struct Arrival<'a> {
    cache: &'a BlockCache,
    key: BlockKey,
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.cache.lock().coming.remove(&self.key);
        self.cache.arrived.notify_all();
    }
}
