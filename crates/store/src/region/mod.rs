//! One place that keeps chunks: a folder of packs, an index over them, and who may rely on what.
//!
//! What is visible is durable. What is read was verified by its digest; whole blocks sent on to a client, which proves them
//! itself, by their checksum. A pack is never changed, and a damaged one never deleted.

mod cache;
mod collect;
mod index;
mod marks;
mod pin;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::cache::{BlockCache, Unpacked};
pub use self::collect::{Collected, Live};
use self::index::Index;
pub(crate) use self::index::Location;
pub(crate) use self::marks::{Marked, Marks};
pub use self::pin::{InUse, Pin};
pub use self::verify::{BrokenImage, BrokenRange, DamagedPack, Report, UnreferencedPack, VerifyProgress};
pub use self::writer::{Sealed, Writer};
use crate::folder::{Fault, Folder, pack_name};
use crate::lru::Lru;
use crate::manifest::Manifest;
use crate::pack::{Pack, PackFault};
use crate::{Block, Digest, Error};

const FILES_KEPT_OPEN: usize = 32;

/// For whom a pack was written: an upload, a copy, an import. Chosen by the caller, unique among open ones.
///
/// Its row must be durable, and listed as open by every later [`Live`], before it writes. All zeros is the collection's own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(pub [u8; 16]);

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({:032x})", u128::from_be_bytes(self.0))
    }
}

/// How a region behaves.
#[derive(Clone)]
pub struct Options {
    /// A pack is sealed once it is this long, in bytes.
    pub pack_bytes: u64,
    /// Plain bytes of unpacked blocks kept in memory.
    pub cache_bytes: usize,
    /// Collection rewrites a pack of which less than this part is live, in percent; 100 leaves nothing dead behind.
    pub rewrite_below_percent: u64,
    /// Called before each step on the folder; an error makes the step fail. For tests.
    pub fault: Option<Fault>,
}

impl Default for Options {
    /// Packs of 64 MiB, 32 MiB of cache, rewriting below one half.
    fn default() -> Self {
        Self { pack_bytes: 64 << 20, cache_bytes: 32 << 20, rewrite_below_percent: 50, fault: None }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Options");
        fields.field("pack_bytes", &self.pack_bytes).field("cache_bytes", &self.cache_bytes);
        fields.field("rewrite_below_percent", &self.rewrite_below_percent).finish_non_exhaustive()
    }
}

/// What a region holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Sealed packs.
    pub pack_count: usize,
    /// Chunks and manifest pages in them.
    pub chunk_count: usize,
    /// Their bytes before compression.
    pub plain_bytes: u64,
    /// Bytes of the pack files.
    pub stored_bytes: u64,
}

/// A store of chunks in one folder. Cloning is cheap and gives the same region.
#[derive(Clone)]
pub struct Region(Arc<Inner>);

struct Inner {
    name: String,
    folder: Folder,
    options: Options,
    state: Mutex<State>,
    cache: BlockCache,
    files: Mutex<Lru<u32, Arc<File>>>,
    next_pack: AtomicU32,
    damaged: Vec<DamagedPack>,
    /// Held by the one collection that may be under way.
    collecting: Mutex<()>,
}

/// What must change together: the index and the holds on it.
#[derive(Debug, Default)]
struct State {
    index: Index,
    holds: pin::Holds,
}

impl State {
    fn locate(&self, digest: &Digest) -> Result<Location, Error> {
        match self.index.find(digest) {
            Some(location) => Ok(location),
            None if self.index.is_bad(digest) => Err(Error::corrupt(*digest, "no good copy is left")),
            None => Err(Error::Missing { digests: vec![*digest] }),
        }
    }
}

impl Region {
    /// Opens the region in `folder`, creating it when there is none.
    ///
    /// Removes temporary files that a crash left, and reads the index from the packs. Packs that cannot be read are
    /// reported by [`Region::damaged`] and otherwise left alone.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process has it open, [`Error::Unavailable`] when the folder cannot be used.
    pub fn open(name: &str, folder: &Path, options: Options) -> Result<Self, Error> {
        let unavailable =
            |source| Error::Unavailable { region: name.to_owned(), doing: "open its folder", source };
        let folder = Folder::open(folder, options.fault.clone()).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => Error::Busy { region: name.to_owned() },
            _ => unavailable(error),
        })?;
        let found = folder.list().map_err(unavailable)?;
        let (mut index, mut damaged) = (Index::default(), Vec::new());
        for &number in &found.packs {
            match Pack::load(&folder, number) {
                Ok(pack) => index.add(&Arc::new(pack)),
                Err(PackFault::Damaged(reason)) => {
                    damaged.push(DamagedPack { name: pack_name(number), reason });
                }
                Err(PackFault::Io(error)) => return Err(unavailable(error)),
            }
        }
        let next_pack = AtomicU32::new(found.packs.last().map_or(0, |last| last.saturating_add(1)));
        Ok(Self(Arc::new(Inner {
            name: name.to_owned(),
            cache: BlockCache::new(options.cache_bytes),
            state: Mutex::new(State { index, holds: pin::Holds::default() }),
            files: Mutex::new(Lru::new(FILES_KEPT_OPEN)),
            folder,
            options,
            next_pack,
            damaged,
            collecting: Mutex::new(()),
        })))
    }

    /// The region's name, as errors say it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Packs that could not be read when the region was opened. Nothing in them counts as present.
    #[must_use]
    pub fn damaged(&self) -> &[DamagedPack] {
        &self.0.damaged
    }

    /// Whether the chunk or page is here and durable. Only a [`Pin`] makes it stay.
    #[must_use]
    pub fn has(&self, digest: &Digest) -> bool {
        self.state().index.find(digest).is_some()
    }

    /// The plain length of a chunk or page that is here.
    #[must_use]
    pub fn length_of(&self, digest: &Digest) -> Option<u32> {
        self.state().index.find(digest).map(|location| location.length())
    }

    /// The verified bytes of a chunk or page.
    ///
    /// A copy that proves damaged is not used again; another copy is taken if there is one.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Corrupt`] when no good copy is left, [`Error::Unavailable`].
    pub fn get(&self, digest: &Digest) -> Result<Chunk, Error> {
        loop {
            let location = self.locate(digest)?;
            let detail = match self.read(&location) {
                Ok(chunk) => return Ok(chunk),
                Err(PackFault::Io(source)) => return Err(self.unavailable("read a pack", source)),
                Err(PackFault::Damaged(detail)) => detail,
            };
            let mut state = self.state();
            // A collection may have dropped the pack meanwhile: then the index knows better than this copy.
            if state.index.pack(location.pack.number).is_some() {
                state.index.distrust(&location);
                if state.index.find(digest).is_none() {
                    return Err(Error::corrupt(*digest, detail));
                }
            }
        }
    }

    /// The manifest of the image `root`; its pages come from this region.
    ///
    /// # Errors
    /// As [`Region::get`].
    pub fn manifest(&self, root: Digest) -> Result<Manifest<'static>, Error> {
        let region = self.clone();
        Manifest::open(root, move |digest| region.get(digest).map(|page| page.to_vec()))
    }

    /// A pin that holds nothing yet.
    #[must_use]
    pub fn pin(&self) -> Pin {
        Pin::new(self.clone())
    }

    /// Keeps the image `root` from collection while it is read, as far as it is still here.
    #[must_use]
    pub fn keep(&self, root: Digest) -> InUse {
        InUse::new(self, root)
    }

    /// A writer whose packs belong to `owner`.
    #[must_use]
    pub fn writer(&self, owner: Owner) -> Writer {
        Writer::new(self.clone(), owner)
    }

    /// Every chunk and page in the sealed packs of `owner`, also those written before a restart.
    #[must_use]
    pub fn written_by(&self, owner: &Owner) -> HashSet<Digest> {
        let packs = self.state().index.packs();
        let own = packs.iter().filter(|pack| pack.owner == *owner);
        own.flat_map(|pack| pack.chunks.iter().map(|chunk| chunk.digest)).collect()
    }

    /// What the region holds.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let packs = self.state().index.packs();
        Usage {
            pack_count: packs.len(),
            chunk_count: packs.iter().map(|pack| pack.chunks.len()).sum(),
            plain_bytes: packs.iter().map(|pack| pack.plain_bytes()).sum(),
            stored_bytes: packs.iter().map(|pack| pack.file_bytes).sum(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is finished before anything in it can panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn locate(&self, digest: &Digest) -> Result<Location, Error> {
        self.state().locate(digest)
    }

    fn read(&self, location: &Location) -> Result<Chunk, PackFault> {
        let pack = &location.pack;
        let (block, start) = pack.place_of(location.chunk);
        let unpacked = self.unpacked(pack, block)?;
        let name = pack.chunks[location.chunk];
        let range = start..start + crate::block::short(name.length);
        let inside = location.chunk - pack.chunks_of(block).start;
        if !unpacked.is_proven(inside, || Digest::of(&unpacked.bytes[range.clone()]) == name.digest) {
            return Err("the chunk's bytes have another digest".into());
        }
        Ok(Chunk { block: unpacked, range })
    }

    /// A block's plain bytes, from the cache or the pack; its chunks are not proven yet.
    fn unpacked(&self, pack: &Pack, block: usize) -> Result<Arc<Unpacked>, PackFault> {
        self.0.cache.get((pack.number, block), || {
            let packed = self.packed(pack, block)?;
            let bytes = packed.encoding.decode(&packed.payload, packed.plain_bytes())?;
            Ok(Unpacked::new(bytes, packed.chunks.len()))
        })
    }

    /// A block as it is stored, past the cache.
    fn packed(&self, pack: &Pack, block: usize) -> Result<Block, PackFault> {
        let file = self.pack_file(pack.number)?;
        pack.read_block(&self.0.folder, &file, block)
    }

    /// Reads a block as it is stored; damage is named after the chunk `wanted` from it.
    pub(crate) fn packed_block(&self, wanted: &Location, block: usize) -> Result<Block, Error> {
        let Location { pack, chunk } = wanted;
        let detail = match self.packed(pack, block) {
            Ok(packed) => return Ok(packed),
            Err(PackFault::Io(source)) => return Err(self.unavailable("read a pack", source)),
            Err(PackFault::Damaged(detail)) => detail,
        };
        let digest = pack.chunks[*chunk].digest;
        let mut state = self.state();
        if state.index.pack(pack.number).is_none() {
            // Collected meanwhile.
            return Err(Error::Missing { digests: vec![digest] });
        }
        // Another copy, if there is one, is taken when the work is tried again.
        for chunk in pack.chunks_of(block) {
            state.index.distrust(&Location { pack: Arc::clone(pack), chunk });
        }
        Err(Error::corrupt(digest, detail))
    }

    /// Unpacks into the cache ahead of a read; what fails here fails again, and is reported, at the read.
    pub(crate) fn warm(&self, location: &Location) {
        let (block, _) = location.pack.place_of(location.chunk);
        if !self.0.cache.contains_or_coming((location.pack.number, block)) {
            self.unpacked(&location.pack, block).ok();
        }
    }

    fn pack_file(&self, number: u32) -> io::Result<Arc<File>> {
        let lock = || self.0.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = lock().get(&number) {
            return Ok(file);
        }
        let file = Arc::new(self.0.folder.open_pack(number)?);
        lock().put(number, Arc::clone(&file), 1);
        Ok(file)
    }

    fn forget_file(&self, number: u32) {
        self.0.files.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        self.0.cache.forget_pack(number);
    }

    fn next_pack(&self) -> Result<u32, Error> {
        let next =
            self.0.next_pack.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| next.checked_add(1));
        next.map_err(|_last| self.unavailable("name another pack", io::Error::other("all names are used")))
    }

    fn unavailable(&self, doing: &'static str, source: io::Error) -> Error {
        Error::Unavailable { region: self.0.name.clone(), doing, source }
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region").field("name", &self.0.name).finish_non_exhaustive()
    }
}

/// The verified bytes of one chunk; they share memory with the block they came in.
#[derive(Clone)]
pub struct Chunk {
    block: Arc<Unpacked>,
    range: Range<usize>,
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.block.bytes[self.range.clone()]
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} bytes)", self.range.len())
    }
}
