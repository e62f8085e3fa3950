//! Builds a manifest from entries that arrive in disk order, keeping one open page per level in memory.

use super::page::{Child, MAX_ITEMS, MAX_LEVELS, Page, Root};
use crate::{Digest, Entry, Error, MAX_DISK_BYTES};

/// Fewest items of a page that ends by content.
const MIN_ITEMS: usize = 32;
/// Ends one page in 128 items, once it has the fewest.
const END_MASK: u64 = 127;

/// Takes a page's digest and bytes to where pages are kept.
pub type EmitPage<'a> = dyn FnMut(Digest, &[u8]) -> Result<(), Error> + 'a;

/// A manifest in the making.
///
/// The result depends on the bytes that the entries stand for (given the cutting rules): adjacent holes are merged and
/// zeros at the end left out.
#[derive(Debug, Default)]
pub struct ManifestBuilder {
    levels: Vec<Level>,
    /// Zeros seen since the last chunk.
    hole: u64,
    /// Bytes up to here, zeros included.
    length: u64,
    buffer: Vec<u8>,
}

/// The open page of one level.
#[derive(Debug, Default)]
struct Level {
    count: usize,
    items: Vec<u8>,
    length: u64,
    closed: u64,
    last: Option<Child>,
}

impl ManifestBuilder {
    /// An empty manifest.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the entry that follows; `emit` gets the pages that it completes, children before parents.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an entry out of bounds or past [`MAX_DISK_BYTES`]; and what `emit` answers.
    pub fn push(&mut self, entry: &Entry, emit: &mut EmitPage<'_>) -> Result<(), Error> {
        entry.check()?;
        self.length += entry.length();
        if self.length > MAX_DISK_BYTES {
            return Err(Error::invalid(format!("the entries stand for more than {MAX_DISK_BYTES} bytes")));
        }
        let Entry::Chunk { digest, .. } = entry else {
            self.hole += entry.length();
            return Ok(());
        };
        let hole = std::mem::take(&mut self.hole);
        if hole > 0 {
            self.append(0, hole, None, emit, |out| Entry::Hole { length: hole }.write_to(out))?;
        }
        self.append(0, entry.length(), Some(digest), emit, |out| entry.write_to(out))
    }

    /// Emits what is still open and last the root record, whose digest is the image's.
    ///
    /// # Errors
    /// What `emit` answers.
    pub fn finish(mut self, emit: &mut EmitPage<'_>) -> Result<Digest, Error> {
        let mut level = 0;
        while level < self.levels.len() {
            self.close(level, emit)?;
            // A level of one page is the top; what was noted above it would be a chain of single children.
            if self.levels[level].closed == 1 {
                break;
            }
            level += 1;
        }
        let top = self.levels.get(level).and_then(|level| level.last);
        let levels = if top.is_some() { level + 1 } else { 0 };
        let levels = u8::try_from(levels).ok().filter(|&levels| levels <= MAX_LEVELS);
        let levels = levels.expect("32 items or more per page keep the tree of any disk below the limit");
        let record = Root { algorithm: crate::cut::ALGORITHM, levels, top }.to_bytes();
        let root = Digest::of(&record);
        emit(root, &record)?;
        Ok(root)
    }

    /// Appends an item to the open page of `level`, closing the page when its content says so.
    fn append(
        &mut self,
        level: usize,
        length: u64,
        digest: Option<&Digest>,
        emit: &mut EmitPage<'_>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Error> {
        if self.levels.len() == level {
            self.levels.push(Level::default());
        }
        let open = &mut self.levels[level];
        write(&mut open.items);
        open.count += 1;
        open.length += length;
        let by_content =
            open.count >= MIN_ITEMS && digest.is_some_and(|digest| digest.spread() & END_MASK == 0);
        if by_content || open.count == MAX_ITEMS { self.close(level, emit) } else { Ok(()) }
    }

    /// Ends the open page of `level`, if it has items, and enters it one level above.
    fn close(&mut self, level: usize, emit: &mut EmitPage<'_>) -> Result<(), Error> {
        let open = &mut self.levels[level];
        if open.count == 0 {
            return Ok(());
        }
        self.buffer.clear();
        let number = u8::try_from(level).expect("a disk's tree is far below 256 levels");
        Page::write_header(number, open.count, &mut self.buffer);
        self.buffer.extend_from_slice(&open.items);
        let child = Child { digest: Digest::of(&self.buffer), length: open.length };
        open.items.clear();
        (open.count, open.length) = (0, 0);
        open.closed += 1;
        open.last = Some(child);
        emit(child.digest, &self.buffer)?;
        self.append(level + 1, child.length, Some(&child.digest), emit, |out| child.write_to(out))
    }
}
