//! What one upload has in memory; losing it costs the client a question and some blocks.
//!
//! Everything here blocks. Whoever ends a writer takes it out first and seals it unlocked, so that questions and bodies
//! go on meanwhile; only a second commit waits.
//!
//! A digest counts only when the client has shown its bytes or may read an image that has them: naming a digest is
//! neither a right to bytes nor a way to learn whether somebody has them.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

use arm::ResourceId;
use store::{Block, Committed, Digest, Entry, Owner, Sealed, Writer};

/// One open upload.
pub(super) struct Session {
    pub(super) upload: ResourceId,
    pub(super) owner: Owner,
    store: store::Region,
    /// Digests of images this client may read, and of what this upload brought in earlier sessions.
    known: HashSet<Digest>,
    /// Shared by those that store, so that bodies are proven side by side; alone for who ends it.
    writer: RwLock<Writer>,
    state: Mutex<State>,
    /// Held by the one commit under way: a second must not look before the first has sealed what both rely on.
    ending: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Digests whose bytes the client has shown in this session.
    sent: HashSet<Digest>,
    /// Plain and stored bytes that this upload added, over all its writers in this process.
    added: (u64, u64),
}

impl Session {
    pub(super) fn new(
        upload: ResourceId,
        owner: Owner,
        store: store::Region,
        mut known: HashSet<Digest>,
    ) -> Self {
        known.extend(store.written_by(&owner));
        let writer = RwLock::new(store.writer(owner));
        Self { upload, owner, store, known, writer, state: Mutex::default(), ending: Mutex::default() }
    }

    /// For each digest whether the client has to send it.
    pub(super) fn wanted(&self, digests: &[Digest]) -> Vec<bool> {
        let writer = self.writer.read().unwrap_or_else(PoisonError::into_inner);
        digests.iter().map(|digest| !self.counts(&writer, digest)).collect()
    }

    /// Stores blocks, each once it is proven.
    pub(super) fn put(&self, blocks: &[Block]) -> Result<(), store::Error> {
        for block in blocks {
            let stored = self.writer.read().unwrap_or_else(PoisonError::into_inner).put(block);
            if matches!(stored, Err(store::Error::Unavailable { .. })) {
                // It takes nothing more; what it had not sealed is lost and will be asked for again.
                *self.writer_alone() = self.store.writer(self.owner);
            }
            stored?;
            self.state().sent.extend(block.chunks().iter().map(|chunk| chunk.digest));
        }
        Ok(())
    }

    /// Seals what was sent and makes the image of it.
    pub(super) fn commit(&self, entries: &[Entry], size_bytes: u64) -> Result<Committed, store::Error> {
        let _alone = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        // Chunks first: what the list names must be visible and durable before the list is.
        let _sealed = self.seal()?;
        let writer = self.writer.read().unwrap_or_else(PoisonError::into_inner);
        let mut missing = Vec::new();
        let mut listed = HashSet::new();
        for entry in entries {
            entry.check()?;
            if let Entry::Chunk { digest, .. } = entry
                && listed.insert(*digest)
                && !self.counts(&writer, digest)
            {
                missing.push(*digest);
            }
        }
        if !missing.is_empty() {
            return Err(store::Error::Missing { digests: missing });
        }
        drop(writer);
        store::commit_entries(&self.store, self.owner, entries.iter().copied(), size_bytes)
    }

    /// Makes durable what was sent; what is sent meanwhile goes into the next writer.
    pub(super) fn seal(&self) -> Result<Sealed, store::Error> {
        let writer = mem::replace(&mut *self.writer_alone(), self.store.writer(self.owner));
        let sealed = writer.seal()?;
        let mut state = self.state();
        state.added.0 += sealed.new_bytes;
        state.added.1 += sealed.stored_bytes;
        Ok(sealed)
    }

    /// Plain and stored bytes that this upload added.
    pub(super) fn added(&self) -> (u64, u64) {
        self.state().added
    }

    /// Whether the client need not send it: it has, or may read it elsewhere, and it is still there.
    fn counts(&self, writer: &Writer, digest: &Digest) -> bool {
        let is_shown = self.known.contains(digest) || self.state().sent.contains(digest);
        is_shown && writer.has(digest)
    }

    fn writer_alone(&self) -> RwLockWriteGuard<'_, Writer> {
        self.writer.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
