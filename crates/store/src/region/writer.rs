//! Adds chunks to a region: collects blocks into packs and makes each pack durable and visible at once.
//!
//! Everything given to a writer is either in packs it sealed or held by its pin, so it cannot be collected before the
//! pin that [`Writer::seal`] hands back is dropped. After an error the writer takes nothing more: a file whose
//! write or sync failed once is never trusted again.

use std::collections::HashSet;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Owner, Pin, Region};
use crate::coding::wide;
use crate::pack::OpenPack;
use crate::{Block, BlockBuilder, Digest, Error};

/// Writes packs for one owner; may be used from several threads.
///
/// A pack that is full is sealed at once. Dropping the writer unsealed removes only the pack still open.
#[derive(Debug)]
pub struct Writer {
    region: Region,
    owner: Owner,
    pin: Pin,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<OpenPack>,
    /// Chunks on their way into a pack that is not sealed.
    claimed: HashSet<Digest>,
    /// Chunks given one by one, not compressed yet.
    loose: BlockBuilder,
    failed: bool,
    written: Written,
}

#[derive(Clone, Copy, Debug, Default)]
struct Written {
    plain_bytes: u64,
    stored_bytes: u64,
    chunk_count: u64,
}

/// What a writer added, and the pin that keeps it.
#[derive(Debug)]
pub struct Sealed {
    /// Keeps what was written, and what was here already, until it is dropped.
    pub pin: Pin,
    /// Plain bytes of the chunks and pages added.
    pub new_bytes: u64,
    /// Bytes by which the region's files grew.
    pub stored_bytes: u64,
    /// Chunks and pages added.
    pub new_count: u64,
}

impl Writer {
    pub(super) fn new(region: Region, owner: Owner) -> Self {
        let pin = region.pin();
        Self { region, owner, pin, state: Mutex::default() }
    }

    /// Whether the chunk is here or was given to this writer; if so it stays for as long as the writer's pin.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        self.lock().claimed.contains(digest) || self.pin.hold(digest)
    }

    /// Proves a block and stores the chunks that the region lacks: the block as it is when it lacks all of them.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Invalid`] when the block does not prove itself: nothing of it is stored.
    /// [`Error::Unavailable`]: the writer is of no use any more.
    pub fn put(&self, block: &Block) -> Result<(), Error> {
        let open = block.open()?;
        let wanted: Vec<bool> = block.chunks().iter().map(|chunk| self.claim(&chunk.digest)).collect();
        let stored = if wanted.iter().all(|&wanted| wanted) {
            self.store(block)
        } else {
            let lacking = open.iter().zip(&wanted).filter(|(_, wanted)| **wanted).map(|(chunk, _)| chunk);
            self.store_anew(lacking)
        };
        stored.inspect_err(|_| {
            // What was not stored is not on its way: whoever asks again must be told to bring it.
            let mut state = self.lock();
            for (chunk, _) in block.chunks().iter().zip(&wanted).filter(|(_, wanted)| **wanted) {
                state.claimed.remove(&chunk.digest);
            }
        })
    }

    /// Packs claimed chunks into blocks of their own and stores those.
    fn store_anew<'a>(&self, chunks: impl Iterator<Item = (Digest, &'a [u8])>) -> Result<(), Error> {
        let mut part = BlockBuilder::new();
        for (digest, bytes) in chunks {
            // A foreign block may hold up to a chunk more than a block of ours is full with.
            if part.push(digest, bytes)? {
                self.store(&mem::take(&mut part).finish())?;
            }
        }
        if part.is_empty() { Ok(()) } else { self.store(&part.finish()) }
    }

    /// Stores one chunk, unless it is here; it is compressed together with its neighbours.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is empty or too long, [`Error::Corrupt`] when `digest` is not its digest,
    /// [`Error::Unavailable`].
    pub fn put_chunk(&self, digest: &Digest, bytes: &[u8]) -> Result<(), Error> {
        if Digest::of(bytes) != *digest {
            return Err(Error::corrupt(*digest, "the bytes given have another digest"));
        }
        self.put_known(*digest, bytes)
    }

    /// Stores a manifest page under its digest, unless it is here.
    ///
    /// # Errors
    /// As [`Writer::put_chunk`].
    pub fn put_page(&self, digest: Digest, bytes: &[u8]) -> Result<(), Error> {
        self.put_chunk(&digest, bytes)
    }

    /// Like [`Writer::put_chunk`] for bytes whose digest was just computed.
    pub(crate) fn put_known(&self, digest: Digest, bytes: &[u8]) -> Result<(), Error> {
        if !self.claim(&digest) {
            return Ok(());
        }
        let mut state = self.lock();
        if state.loose.push(digest, bytes)? {
            let full = mem::take(&mut state.loose);
            drop(state);
            self.store(&full.finish())?;
        }
        Ok(())
    }

    /// Whether the caller should store this chunk: it is neither here nor on its way. Asking claims it.
    pub(crate) fn claim(&self, digest: &Digest) -> bool {
        let mut state = self.lock();
        !state.claimed.contains(digest) && !self.pin.hold(digest) && state.claimed.insert(*digest)
    }

    /// Appends a block of claimed, proven chunks; seals the pack when it is full.
    pub(crate) fn store(&self, block: &Block) -> Result<(), Error> {
        let mut state = self.lock();
        if state.failed {
            return Err(self
                .region
                .unavailable("write after an earlier write failed", io::Error::other("gave up")));
        }
        let appended = self.append(&mut state, block);
        state.failed = appended.is_err();
        let full = appended.inspect_err(|_| state.open = None)?;
        drop(state);
        // Syncing takes long; other threads go on with the next pack meanwhile.
        full.map_or(Ok(()), |pack| self.publish(pack))
    }

    /// Answers the pack that became full.
    fn append(&self, state: &mut State, block: &Block) -> Result<Option<OpenPack>, Error> {
        let refused = |source| self.region.unavailable("write a pack", source);
        let folder = &self.region.0.folder;
        let mut pack = match state.open.take() {
            Some(pack) => pack,
            None => OpenPack::create(folder, self.region.next_pack()?, self.owner).map_err(refused)?,
        };
        pack.append(folder, block).map_err(refused)?;
        state.written.plain_bytes += wide(block.plain_bytes());
        state.written.chunk_count += wide(block.chunks.len());
        if pack.is_full(self.region.0.options.pack_bytes) {
            return Ok(Some(pack));
        }
        state.open = Some(pack);
        Ok(None)
    }

    fn publish(&self, pack: OpenPack) -> Result<(), Error> {
        let pack = pack.publish(&self.region.0.folder).map_err(|source| {
            self.lock().failed = true;
            self.region.unavailable("make a pack durable", source)
        })?;
        let digests: Vec<Digest> = pack.chunks.iter().map(|chunk| chunk.digest).collect();
        let (number, bytes) = (pack.number, pack.file_bytes);
        let mut shared = self.region.state();
        shared.index.add(&Arc::new(pack));
        // In the same breath: no collection may find the pack visible and not held.
        self.pin.hold_pack(&mut shared, number);
        drop(shared);
        let mut state = self.lock();
        state.written.stored_bytes += bytes;
        for digest in &digests {
            state.claimed.remove(digest);
        }
        Ok(())
    }

    /// Compresses and appends what was given one by one.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        let loose = mem::take(&mut self.lock().loose);
        if loose.is_empty() { Ok(()) } else { self.store(&loose.finish()) }
    }

    /// Makes everything durable and visible.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: packs sealed before stay, the one still open is gone.
    pub fn seal(self) -> Result<Sealed, Error> {
        self.flush()?;
        let (open, failed) = {
            let mut state = self.lock();
            (state.open.take(), state.failed)
        };
        if failed {
            return Err(self
                .region
                .unavailable("seal after an earlier write failed", io::Error::other("gave up")));
        }
        if let Some(pack) = open {
            self.publish(pack)?;
        }
        let Written { plain_bytes, stored_bytes, chunk_count } = self.lock().written;
        let Self { pin, .. } = self;
        Ok(Sealed { pin, new_bytes: plain_bytes, stored_bytes, new_count: chunk_count })
    }

    /// The plain length of a chunk that is here, which then stays.
    pub(crate) fn hold_length(&self, digest: &Digest) -> Option<u32> {
        self.pin.hold_length(digest)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
