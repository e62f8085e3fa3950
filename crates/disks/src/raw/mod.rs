//! The bytes themselves: raw images, and the data of containers that keep it in one piece.

#[cfg(test)]
mod tests;

use crate::bytes::{as_u64, as_usize};
use crate::source::extent_in;
use crate::units::{for_each_unit, write_sparse};
use crate::{Blocks, Disk, Error, Extent, Limits, ReadAt, WriteAt};

/// How much is read and written at once, in bytes.
const COPY_BYTES: usize = 1 << 20;

/// The first `size_bytes` of a file, as they are.
pub(crate) struct Raw {
    file: Box<dyn ReadAt>,
    size_bytes: u64,
}

impl Raw {
    /// `file` has at least `size_bytes`.
    pub(crate) fn new(file: Box<dyn ReadAt>, size_bytes: u64) -> Self {
        Self { file, size_bytes }
    }
}

/// Opens a raw image; its size must be whole sectors within the limits.
pub(crate) fn open(file: Box<dyn ReadAt>, limits: &Limits) -> Result<Disk, Error> {
    let size_bytes = file.length()?;
    check_size(size_bytes, limits)?;
    Ok(Disk { blocks: Box::new(Raw::new(file, size_bytes)), warnings: Vec::new() })
}

/// Writes `blocks` as they are, leaving out what is zero.
pub(crate) fn write(blocks: &dyn Blocks, out: &mut dyn WriteAt) -> Result<u64, Error> {
    let size_bytes = blocks.size_bytes();
    out.set_length(size_bytes)?;
    for_each_unit(blocks, COPY_BYTES, &mut |index, bytes| {
        let offset = index * as_u64(COPY_BYTES);
        let length = as_usize((size_bytes - offset).min(as_u64(bytes.len())))?;
        write_sparse(out, &bytes[..length], offset)
    })?;
    Ok(size_bytes)
}

/// Whether a virtual size is one that a disk may have: some whole sectors, not over the limit.
pub(crate) fn check_size(size_bytes: u64, limits: &Limits) -> Result<(), Error> {
    if size_bytes == 0 {
        return Err(Error::empty("the disk has no bytes"));
    }
    if size_bytes > limits.virtual_bytes {
        let allowed = limits.virtual_bytes;
        return Err(Error::limit(format!("the disk has {size_bytes} bytes; at most {allowed} are allowed")));
    }
    if !size_bytes.is_multiple_of(512) {
        return Err(Error::not_aligned(format!(
            "the disk has {size_bytes} bytes, which is not a whole number of 512-byte sectors"
        )));
    }
    Ok(())
}

/// Whether `length` bytes from `offset` lie on a disk of `size_bytes`: the first check of every read.
pub(crate) fn check_range(size_bytes: u64, offset: u64, length: usize) -> Result<(), Error> {
    match offset.checked_add(as_u64(length)) {
        Some(end) if end <= size_bytes => Ok(()),
        _ => Err(Error::Io(std::io::ErrorKind::UnexpectedEof.into())),
    }
}

impl Blocks for Raw {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        check_range(self.size_bytes, offset, buffer.len())?;
        Ok(self.file.read_exact_at(buffer, offset)?)
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, Error> {
        check_range(self.size_bytes, offset, 1)?;
        extent_in(self.file.as_ref(), offset, self.size_bytes - offset)
    }
}
