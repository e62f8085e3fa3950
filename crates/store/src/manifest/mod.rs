//! The list of an image's entries as a Merkle tree of small pages.
//!
//! Pages end where the content says, so the manifests of two versions share all pages but those around a change, and
//! no list of a large disk is ever whole in memory. The root's digest is the image's digest: it names the bytes of the
//! disk, followed by zeros for ever. Neither the container nor the disk's size nor zeros at its end are part of it.

mod build;
mod page;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub use self::build::{EmitPage, ManifestBuilder};
pub use self::page::MAX_PAGE_BYTES;
use self::page::{Child, Page, Root};
pub use self::walk::{Descend, Visit};
use crate::lru::Lru;
use crate::{Digest, Entry, Error};

/// Pages that a manifest keeps at hand, about 20 KiB each.
const PAGES_KEPT: usize = 64;

type Fetch<'a> = dyn Fn(&Digest) -> Result<Vec<u8>, Error> + Send + Sync + 'a;

/// A readable manifest; pages are fetched and verified as they are needed.
pub struct Manifest<'a> {
    digest: Digest,
    root: Root,
    fetch: Box<Fetch<'a>>,
    pages: Mutex<Lru<(Child, u8), Arc<Page>>>,
}

impl<'a> Manifest<'a> {
    /// Opens the manifest whose root record is kept under `digest`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the record is damaged, or its bytes are no manifest root of a version we know; and
    /// what `fetch` answers.
    pub fn open(
        digest: Digest,
        fetch: impl Fn(&Digest) -> Result<Vec<u8>, Error> + Send + Sync + 'a,
    ) -> Result<Self, Error> {
        let root = Root::read(&fetch(&digest)?, digest)?;
        Ok(Self { digest, root, fetch: Box::new(fetch), pages: Mutex::new(Lru::new(PAGES_KEPT)) })
    }

    /// The image's digest.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes up to the end of the last chunk; only zeros follow.
    #[must_use]
    pub fn length_bytes(&self) -> u64 {
        self.root.top.map_or(0, |top| top.length)
    }

    /// Every entry with its offset, in disk order.
    #[must_use]
    pub const fn entries(&self) -> Entries<'_> {
        self.entries_from(0)
    }

    /// The entries from the one that covers `offset` on; none when only zeros follow.
    #[must_use]
    pub const fn entries_from(&self, offset: u64) -> Entries<'_> {
        Entries { manifest: self, stack: Vec::new(), start: Some(offset) }
    }

    fn page(&self, child: &Child, level: u8) -> Result<Arc<Page>, Error> {
        let lock = || self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        // The level and length were checked when the page was read, so they are part of its key.
        let key = (*child, level);
        if let Some(page) = lock().get(&key) {
            return Ok(page);
        }
        let page = Arc::new(Page::read(&(self.fetch)(&child.digest)?, child, level)?);
        lock().put(key, Arc::clone(&page), 1);
        Ok(page)
    }
}

impl fmt::Debug for Manifest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifest")
            .field("digest", &self.digest)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Entries in disk order with their offsets; ends after the first error.
#[derive(Debug)]
pub struct Entries<'m> {
    manifest: &'m Manifest<'m>,
    stack: Vec<Place>,
    /// Where to begin, until that was done.
    start: Option<u64>,
}

/// A page on the way down, and what comes next on it.
#[derive(Debug)]
struct Place {
    page: Arc<Page>,
    level: u8,
    next: usize,
    /// Where the next item begins on the disk.
    offset: u64,
}

impl Entries<'_> {
    fn begin(&mut self, target: u64) -> Result<(), Error> {
        let Some(mut child) = self.manifest.root.top.filter(|top| target < top.length) else { return Ok(()) };
        let mut offset = 0;
        for level in (0..self.manifest.root.levels).rev() {
            let page = self.manifest.page(&child, level)?;
            let lengths: Box<dyn Iterator<Item = u64>> = match &*page {
                Page::Leaf(entries) => Box::new(entries.iter().map(Entry::length)),
                Page::Inner(children) => Box::new(children.iter().map(|child| child.length)),
            };
            let mut number = 0;
            for length in lengths {
                // No overflow: the page adds up to what its parent gave.
                if target < offset + length {
                    break;
                }
                offset += length;
                number += 1;
            }
            let mut place = Place { page: Arc::clone(&page), level, next: number, offset };
            if let Page::Inner(children) = &*page {
                child = children[number];
                place.next += 1;
                place.offset += child.length;
            }
            self.stack.push(place);
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Option<(u64, Entry)>, Error> {
        if let Some(target) = self.start.take() {
            self.begin(target)?;
        }
        while let Some(place) = self.stack.last_mut() {
            let (offset, number) = (place.offset, place.next);
            place.next += 1;
            match &*place.page {
                Page::Leaf(entries) => {
                    if let Some(entry) = entries.get(number) {
                        place.offset += entry.length();
                        return Ok(Some((offset, *entry)));
                    }
                    self.stack.pop();
                }
                Page::Inner(children) => {
                    let Some(child) = children.get(number).copied() else {
                        self.stack.pop();
                        continue;
                    };
                    place.offset += child.length;
                    let level = place.level - 1;
                    let page = self.manifest.page(&child, level)?;
                    self.stack.push(Place { page, level, next: 0, offset });
                }
            }
        }
        Ok(None)
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<(u64, Entry), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.stack.clear();
        }
        step.transpose()
    }
}
