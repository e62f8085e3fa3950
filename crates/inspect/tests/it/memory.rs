//! A disk in memory, of which only the pages that hold something are kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use disks::{Blocks, Error, Extent, ExtentKind};

/// Bytes of a page.
const PAGE_BYTES: u64 = 64 << 10;

/// A disk whose bytes can be changed.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    size_bytes: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

impl Memory {
    /// Zeros.
    pub(crate) fn empty(size_bytes: u64) -> Self {
        Self { size_bytes, pages: BTreeMap::new() }
    }

    /// What a file holds.
    pub(crate) fn load(path: &Path) -> Self {
        let mut file = File::open(path).unwrap();
        let mut disk = Self::empty(file.metadata().unwrap().len());
        for start in (0..disk.size_bytes).step_by(1 << 20) {
            let mut piece = vec![0; usize::try_from((disk.size_bytes - start).min(1 << 20)).unwrap()];
            file.read_exact(&mut piece).unwrap();
            if piece.iter().any(|byte| *byte != 0) {
                disk.put(start, &piece);
            }
        }
        disk
    }

    /// Writes `bytes` at `offset`.
    pub(crate) fn put(&mut self, offset: u64, bytes: &[u8]) {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let page = self.pages.entry(at / PAGE_BYTES).or_insert_with(|| vec![0; 64 << 10]);
            let inside = usize::try_from(at % PAGE_BYTES).unwrap();
            let taken = (page.len() - inside).min(bytes.len() - done);
            page[inside..inside + taken].copy_from_slice(&bytes[done..done + taken]);
            done += taken;
        }
    }

    /// Writes all of `other` at `offset`.
    pub(crate) fn put_disk(&mut self, offset: u64, other: &Self) {
        for (number, page) in &other.pages {
            let start = number * PAGE_BYTES;
            let length = usize::try_from((other.size_bytes - start).min(PAGE_BYTES)).unwrap();
            self.put(offset + start, &page[..length]);
        }
    }

    /// `length` bytes from `offset`.
    pub(crate) fn get(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.read_at(offset, &mut bytes).unwrap();
        bytes
    }

    /// Ends the disk here.
    pub(crate) fn cut(&mut self, size_bytes: u64) {
        self.size_bytes = size_bytes;
        self.pages.retain(|number, _| number * PAGE_BYTES < size_bytes);
    }

    /// The numbers of pages that hold something other than zeros.
    pub(crate) fn used(&self) -> Vec<u64> {
        self.pages
            .iter()
            .filter(|(_, page)| page.iter().any(|byte| *byte != 0))
            .map(|(number, _)| *number)
            .collect()
    }
}

impl Blocks for Memory {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        assert!(offset + buffer.len() as u64 <= self.size_bytes, "a read past the end of the disk");
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + done as u64;
            let inside = usize::try_from(at % PAGE_BYTES).unwrap();
            let taken = ((64 << 10) - inside).min(buffer.len() - done);
            match self.pages.get(&(at / PAGE_BYTES)) {
                Some(page) => buffer[done..done + taken].copy_from_slice(&page[inside..inside + taken]),
                None => buffer[done..done + taken].fill(0),
            }
            done += taken;
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, Error> {
        assert!(offset < self.size_bytes, "an extent past the end of the disk");
        let end = ((offset / PAGE_BYTES + 1) * PAGE_BYTES).min(self.size_bytes);
        let is_used = self.pages.contains_key(&(offset / PAGE_BYTES));
        let kind = if is_used { ExtentKind::Data } else { ExtentKind::Zero };
        Ok(Extent { length: end - offset, kind })
    }
}
