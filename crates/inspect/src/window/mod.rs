//! A part of a disk to read from: a partition, a logical volume, the whole.
//!
//! A window never reaches outside the disk it is a part of. All windows of one disk share a cache of its blocks and a
//! meter, so that reading the same place again is cheap but not free.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use disks::{Blocks, ExtentKind};

use crate::budget::{Budget, Meter};
use crate::bytes::{as_u64, as_usize};
use crate::folders::Folders;
use crate::tree::Error;

/// Bytes of one cached page; a multiple of every container's sector.
const PAGE_BYTES: u64 = 64 << 10;
/// Pages share a set by the low bits of their number.
const SETS: u64 = 128;
/// Pages kept in one set: 32 MiB in all.
const WAYS: usize = 4;
/// Most bytes that one call hands out.
const MOST_AT_ONCE: u64 = 64 << 20;

/// Bytes at offsets, every one of them somewhere on one disk.
#[derive(Clone)]
pub struct Window<'a> {
    disk: Arc<Cached<'a>>,
    runs: Arc<[Run]>,
    size_bytes: u64,
}

/// Bytes that follow each other in the window and on the disk.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// Where in the window.
    at: u64,
    length: u64,
    /// Where on the disk.
    from: u64,
}

impl<'a> Window<'a> {
    /// The whole of a disk.
    pub(crate) fn whole(blocks: &'a dyn Blocks, budget: Budget) -> Self {
        let size_bytes = blocks.size_bytes();
        let sets = (0..SETS).map(|_| Mutex::default()).collect();
        let disk = Arc::new(Cached { blocks, meter: Meter::new(budget), sets, folders: Folders::default() });
        Self { disk, runs: Arc::new([Run { at: 0, length: size_bytes, from: 0 }]), size_bytes }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Fills `buffer` with the bytes from `offset`.
    ///
    /// # Errors
    /// [`Error`] when they reach past the end, the container is damaged there, or the budget is used up.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let length = as_u64(buffer.len());
        self.holds(offset, length)?;
        self.disk.meter.step(1 + length / 4096)?;
        let mut done = 0;
        let first = self.runs.partition_point(|run| run.at + run.length <= offset);
        for run in self.runs.iter().skip(first) {
            let rest = buffer.get_mut(done..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let inside = offset + as_u64(done) - run.at;
            let taken = rest.len().min(as_usize(run.length - inside));
            self.disk.read(run.from + inside, rest.get_mut(..taken).unwrap_or_default())?;
            done += taken;
        }
        Ok(())
    }

    /// `length` bytes from `offset`; at most 64 MiB.
    ///
    /// # Errors
    /// As [`Window::read`].
    pub fn bytes(&self, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
        self.holds(offset, length)?;
        if length > MOST_AT_ONCE {
            return Err(Error::Budget("bytes in one read"));
        }
        let mut buffer = vec![0; as_usize(length)];
        self.read(offset, &mut buffer)?;
        Ok(buffer)
    }

    /// The `length` bytes from `offset` as a window of their own; `None` when they reach outside.
    #[must_use]
    pub fn part(&self, offset: u64, length: u64) -> Option<Self> {
        let end = offset.checked_add(length).filter(|end| *end <= self.size_bytes)?;
        let runs = self
            .runs
            .iter()
            .filter_map(|run| {
                let from = run.at.max(offset);
                let to = (run.at + run.length).min(end);
                (from < to).then(|| Run {
                    at: from - offset,
                    length: to - from,
                    from: run.from + (from - run.at),
                })
            })
            .collect();
        Some(Self { disk: Arc::clone(&self.disk), runs, size_bytes: length })
    }

    /// `parts` one after the other, all of the same disk as `self`.
    pub(crate) fn joined(&self, parts: &[Self]) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        let mut size_bytes = 0;
        for run in parts.iter().flat_map(|part| part.runs.iter()) {
            match runs.last_mut() {
                Some(last) if last.from + last.length == run.from => last.length += run.length,
                _ => runs.push(Run { at: size_bytes, ..*run }),
            }
            size_bytes += run.length;
        }
        Self { disk: Arc::clone(&self.disk), runs: runs.into(), size_bytes }
    }

    /// How many bytes from `offset` on are a hole of the container; 0 where bytes must be read.
    ///
    /// # Errors
    /// As [`Window::read`].
    pub(crate) fn hole_at(&self, offset: u64) -> Result<u64, Error> {
        self.disk.meter.step(1)?;
        let found = self.runs.iter().find(|run| offset >= run.at && offset - run.at < run.length);
        let Some(run) = found else { return Ok(0) };
        let inside = offset - run.at;
        let extent = self.disk.blocks.extent_at(run.from + inside).map_err(|error| container(&error))?;
        Ok(if extent.kind == ExtentKind::Zero { extent.length.min(run.length - inside) } else { 0 })
    }

    /// Where on the disk the byte at `offset` stands.
    #[must_use]
    pub fn on_disk(&self, offset: u64) -> Option<u64> {
        let run = self.runs.iter().find(|run| offset >= run.at && offset - run.at < run.length)?;
        Some(run.from + (offset - run.at))
    }

    /// The folders last listed, of all file systems of the disk.
    pub(crate) fn folders(&self) -> &Folders {
        &self.disk.folders
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.disk.meter
    }

    fn holds(&self, offset: u64, length: u64) -> Result<(), Error> {
        match offset.checked_add(length) {
            Some(end) if end <= self.size_bytes => Ok(()),
            _ => Err(Error::Damaged(format!(
                "{length} bytes at byte {offset} reach past the end of the volume ({} bytes)",
                self.size_bytes
            ))),
        }
    }
}

impl fmt::Debug for Window<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Window")
            .field("size_bytes", &self.size_bytes)
            .field("runs", &self.runs.len())
            .finish_non_exhaustive()
    }
}

/// A disk whose last read pages are kept.
struct Cached<'a> {
    blocks: &'a dyn Blocks,
    meter: Meter,
    sets: Box<[Mutex<Vec<Page>>]>,
    folders: Folders,
}

/// A page by its number; the most recently used stands first in its set.
struct Page {
    number: u64,
    bytes: Arc<[u8]>,
}

impl Cached<'_> {
    /// The caller has checked that the range lies on the disk.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + as_u64(done);
            let inside = as_usize(at % PAGE_BYTES);
            let rest = buffer.get_mut(done..).unwrap_or_default();
            let taken = rest.len().min(as_usize(PAGE_BYTES) - inside);
            let into = rest.get_mut(..taken).unwrap_or_default();
            match self.page(at / PAGE_BYTES)? {
                Some(page) => into.copy_from_slice(
                    page.get(inside..inside + taken)
                        .ok_or_else(|| Error::Damaged("the disk ends within a page".to_owned()))?,
                ),
                None => into.fill(0),
            }
            done += taken;
        }
        Ok(())
    }

    /// The page `number`; `None` when all of it is a hole.
    fn page(&self, number: u64) -> Result<Option<Arc<[u8]>>, Error> {
        let Some(set) = self.sets.get(as_usize(number % SETS)) else {
            return Err(Error::Damaged("no such page".to_owned()));
        };
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = set.iter().position(|page| page.number == number) {
            set[..=found].rotate_right(1);
            return Ok(set.first().map(|page| Arc::clone(&page.bytes)));
        }
        let start = number * PAGE_BYTES;
        let length = PAGE_BYTES.min(self.blocks.size_bytes().saturating_sub(start));
        let extent = self.blocks.extent_at(start).map_err(|error| container(&error))?;
        if extent.kind == ExtentKind::Zero && extent.length >= length {
            return Ok(None);
        }
        self.meter.fetch(length)?;
        let mut bytes = vec![0; as_usize(length)];
        self.blocks.read_at(start, &mut bytes).map_err(|error| container(&error))?;
        let bytes: Arc<[u8]> = bytes.into();
        set.truncate(WAYS - 1);
        set.insert(0, Page { number, bytes: Arc::clone(&bytes) });
        Ok(Some(bytes))
    }
}

/// What the container's reader says is for the operator's eyes: here it only means that the bytes are not to be had.
fn container(error: &disks::Error) -> Error {
    Error::Damaged(format!("the disk cannot be read there: {error}"))
}

#[cfg(test)]
mod tests;
