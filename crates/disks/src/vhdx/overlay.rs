//! A file with changes on top that are only in memory.

use std::io;

use crate::ReadAt;
use crate::bytes::as_u64;

/// Bytes of a logged sector.
pub(super) const SECTOR_BYTES: usize = 4096;

/// One change; later ones win.
pub(super) enum Patch {
    /// A sector's new content, at an offset.
    Sector(u64, Box<[u8; SECTOR_BYTES]>),
    /// Zeros from an offset on, for a length in bytes.
    Zeros(u64, u64),
}

/// A file as it will be when the patches are applied.
pub(super) struct Overlay {
    file: Box<dyn ReadAt>,
    file_bytes: u64,
    /// As long as the file or longer; what is between reads as zeros.
    length: u64,
    /// In the order in which they apply. There are few; each read looks at all.
    patches: Vec<Patch>,
}

impl Patch {
    /// Where it begins and ends.
    fn range(&self) -> (u64, u64) {
        match self {
            Self::Sector(start, bytes) => (*start, start.saturating_add(as_u64(bytes.len()))),
            Self::Zeros(start, length) => (*start, start.saturating_add(*length)),
        }
    }

    /// Changes the part of `buffer`, which stands at `offset`, that this patch covers.
    fn apply(&self, buffer: &mut [u8], offset: u64) {
        let (start, end) = self.range();
        let from = start.max(offset);
        let to = end.min(offset.saturating_add(as_u64(buffer.len())));
        if from >= to {
            return;
        }
        // Both differences are shorter than the buffer or the sector, so they fit.
        let index = |position: u64, base: u64| usize::try_from(position - base).unwrap_or(usize::MAX);
        let Some(target) = buffer.get_mut(index(from, offset)..index(to, offset)) else { return };
        match self {
            Self::Zeros(..) => target.fill(0),
            Self::Sector(_, bytes) => {
                if let Some(source) = bytes.get(index(from, start)..index(to, start)) {
                    target.copy_from_slice(source);
                }
            }
        }
    }
}

impl Overlay {
    /// `length` is not below the file's own.
    pub(super) fn new(file: Box<dyn ReadAt>, length: u64, patches: Vec<Patch>) -> io::Result<Self> {
        let file_bytes = file.length()?;
        Ok(Self { file, file_bytes, length, patches })
    }
}

impl ReadAt for Overlay {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(as_u64(buffer.len())).filter(|end| *end <= self.length);
        if end.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let in_file = as_u64(buffer.len()).min(self.file_bytes.saturating_sub(offset));
        let in_file = usize::try_from(in_file).unwrap_or(buffer.len()).min(buffer.len());
        let (stored, beyond) = buffer.split_at_mut(in_file);
        if !stored.is_empty() {
            self.file.read_exact_at(stored, offset)?;
        }
        beyond.fill(0);
        for patch in &self.patches {
            patch.apply(buffer, offset);
        }
        Ok(())
    }
}
