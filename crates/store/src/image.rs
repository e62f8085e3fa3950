//! A stored image as a disk again: any range, each chunk verified as it is read.
//!
//! While it is open its root counts as live. Reading on from where the last read ended wakes a thread that unpacks
//! ahead, so that exporting uses a second core.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use disks::{Blocks, Extent, ExtentKind};

use crate::coding::wide;
use crate::manifest::{Entries, Manifest};
use crate::region::{InUse, Region};
use crate::{Digest, Entry, Error, GRID_BYTES};

/// How far ahead of the reader blocks are unpacked, in bytes of the disk.
const AHEAD_BYTES: u64 = 6 << 20;
/// Neighbouring chunks are reported as one extent up to about this many bytes.
const EXTENT_BYTES: u64 = 16 << 20;

/// An open image.
#[derive(Debug)]
pub struct Image {
    shared: Arc<Shared>,
    size_bytes: u64,
    reader: Mutex<Reader>,
    _in_use: InUse,
}

#[derive(Debug)]
struct Shared {
    region: Region,
    manifest: Manifest<'static>,
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

/// Where the reader is, as told to the thread that runs ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    position: u64,
    closed: bool,
}

#[derive(Debug, Default)]
struct Reader {
    last_end: u64,
    ahead: Option<JoinHandle<()>>,
}

impl Region {
    /// Opens the image `root` as a disk of `size_bytes`.
    ///
    /// # Errors
    /// As [`Region::get`] for the root record; [`Error::Invalid`] when the image has data past `size_bytes`.
    pub fn image(&self, root: Digest, size_bytes: u64) -> Result<Image, Error> {
        let in_use = InUse::new(self, root);
        let manifest = self.manifest(root)?;
        if manifest.length_bytes() > size_bytes.next_multiple_of(u64::from(GRID_BYTES)) {
            return Err(Error::invalid(format!(
                "the image has data up to byte {}, past the size of {size_bytes} given for it",
                manifest.length_bytes()
            )));
        }
        let shared =
            Shared { region: self.clone(), manifest, wanted: Mutex::default(), changed: Condvar::new() };
        Ok(Image { shared: Arc::new(shared), size_bytes, reader: Mutex::default(), _in_use: in_use })
    }
}

impl Image {
    /// The image's digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.shared.manifest.digest()
    }

    /// Every entry with its offset, in disk order; zeros after the last chunk are not listed.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        self.shared.manifest.entries()
    }

    /// Like [`Blocks::read_at`], with the store's own error.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the range passes the end; [`Error::Corrupt`], [`Error::Missing`] or
    /// [`Error::Unavailable`] when bytes cannot be had: `buffer` then holds nothing of use.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let end = offset.checked_add(wide(buffer.len())).filter(|end| *end <= self.size_bytes);
        let end =
            end.ok_or_else(|| Error::invalid(format!("a read at {offset} passes the end of the disk")))?;
        self.read_on(offset, end);
        let mut filled = 0;
        for item in self.shared.manifest.entries_from(offset) {
            if filled == buffer.len() {
                break;
            }
            let (start, entry) = item?;
            let skipped = usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
            let available = usize::try_from(start + entry.length() - offset.max(start)).unwrap_or(usize::MAX);
            let target = &mut buffer[filled..];
            let count = available.min(target.len());
            match entry {
                Entry::Hole { .. } => target[..count].fill(0),
                Entry::Chunk { digest, .. } => {
                    let chunk = self.shared.region.get(&digest)?;
                    let part = chunk.get(skipped..skipped + count);
                    let part =
                        part.ok_or_else(|| Error::corrupt(digest, "it is shorter than the manifest says"))?;
                    target[..count].copy_from_slice(part);
                }
            }
            filled += count;
        }
        buffer[filled..].fill(0);
        Ok(())
    }

    fn extent(&self, offset: u64) -> Result<Extent, Error> {
        if offset >= self.size_bytes {
            return Err(Error::invalid(format!("offset {offset} is past the end of the disk")));
        }
        let mut found: Option<ExtentKind> = None;
        let mut end = offset;
        for item in self.shared.manifest.entries_from(offset) {
            let (start, entry) = item?;
            let kind = match entry {
                Entry::Hole { .. } => ExtentKind::Zero,
                Entry::Chunk { .. } => ExtentKind::Data,
            };
            if found.is_some_and(|first| first != kind) || end - offset >= EXTENT_BYTES {
                break;
            }
            found = Some(kind);
            end = (start + entry.length()).min(self.size_bytes);
        }
        Ok(match found {
            Some(kind) => Extent { length: end - offset, kind },
            None => Extent { length: self.size_bytes - offset, kind: ExtentKind::Zero },
        })
    }

    /// Notes where the reader is, and begins to unpack ahead once it reads on.
    fn read_on(&self, offset: u64, end: u64) {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let sequential = offset == reader.last_end && offset > 0;
        reader.last_end = end;
        if !sequential {
            return;
        }
        self.shared.tell(Wanted { position: end, closed: false });
        if reader.ahead.is_none() {
            let shared = Arc::clone(&self.shared);
            // Without a thread to spare reading is only slower.
            reader.ahead =
                thread::Builder::new().name("read ahead".into()).spawn(move || shared.run_ahead()).ok();
        }
    }
}

impl Shared {
    fn tell(&self, wanted: Wanted) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
        self.changed.notify_one();
    }

    /// Keeps the blocks after the reader's position unpacked, until the image is closed.
    fn run_ahead(&self) {
        let mut known = Wanted::default();
        let mut warmed = 0;
        loop {
            let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
            while *wanted == known {
                wanted = self.changed.wait(wanted).unwrap_or_else(PoisonError::into_inner);
            }
            known = *wanted;
            drop(wanted);
            if known.closed {
                return;
            }
            if warmed < known.position || warmed > known.position + 2 * AHEAD_BYTES {
                warmed = known.position;
            }
            for item in self.manifest.entries_from(warmed) {
                // What cannot be read here cannot be read there either, and there it is reported.
                let Ok((start, entry)) = item else { break };
                if let Entry::Chunk { digest, .. } = entry
                    && let Ok(location) = self.region.locate(&digest)
                {
                    self.region.warm(&location);
                }
                warmed = start + entry.length();
                if warmed >= known.position + AHEAD_BYTES || self.overtaken(warmed) {
                    break;
                }
            }
        }
    }

    fn overtaken(&self, warmed: u64) -> bool {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.closed || wanted.position > warmed
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.shared.tell(Wanted { position: 0, closed: true });
        let ahead = self.reader.lock().unwrap_or_else(PoisonError::into_inner).ahead.take();
        if let Some(thread) = ahead {
            // It reports nothing, and a panic in it is no reason for another.
            thread.join().ok();
        }
    }
}

impl Blocks for Image {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        self.read(offset, buffer).map_err(as_io)
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, disks::Error> {
        self.extent(offset).map_err(as_io)
    }
}

fn as_io(error: Error) -> disks::Error {
    disks::Error::Io(io::Error::other(error))
}
