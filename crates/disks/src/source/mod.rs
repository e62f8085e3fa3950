//! Where bytes come from and go to: the only doors between a format and the world.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::bytes::as_u64;
use crate::{Error, Extent, ExtentKind};

/// Bytes that can be read at any offset: a file, a buffer, a web server that answers ranges.
pub trait ReadAt: Send + Sync {
    /// Total length in bytes; it does not change while a disk is open on it.
    ///
    /// # Errors
    /// When the length cannot be found.
    fn length(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the range passes the end; otherwise what the source says.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// The next run at or after `offset` that may hold anything but zeros, as (start, end); `None` when only
    /// zeros are left. A source that does not know answers with all that is left.
    ///
    /// # Errors
    /// What the source says.
    fn next_data(&self, offset: u64) -> io::Result<Option<(u64, u64)>> {
        let length = self.length()?;
        Ok((offset < length).then_some((offset, length)))
    }
}

/// What stands at `offset` of `file`, at most `limit` bytes of it, which lie inside the file and are not none.
///
/// The source's own idea of its data is only believed as far as it makes sense.
pub(crate) fn extent_in(file: &dyn ReadAt, offset: u64, limit: u64) -> Result<Extent, Error> {
    let end = offset.saturating_add(limit);
    let (start, stop) = file.next_data(offset)?.unwrap_or((end, end));
    if start > offset {
        return Ok(Extent { length: start.min(end) - offset, kind: ExtentKind::Zero });
    }
    let stop = if stop > offset { stop.min(end) } else { end };
    Ok(Extent { length: stop - offset, kind: ExtentKind::Data })
}

/// A local file, whose holes are found by asking the file system.
///
/// The length is taken once: a file that shrinks afterwards fails to read, one that grows is not followed.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    length: u64,
}

impl FileSource {
    /// Reads from `file`, which must be a regular file.
    ///
    /// # Errors
    /// When the length cannot be found, or it is not a regular file.
    pub fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "only a regular file can be read as an image",
            ));
        }
        Ok(Self { file, length: metadata.len() })
    }
}

impl ReadAt for FileSource {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    // Seeking moves the file's own position, which nobody uses: all reads carry their offset.
    fn next_data(&self, offset: u64) -> io::Result<Option<(u64, u64)>> {
        if offset >= self.length {
            return Ok(None);
        }
        let start = match rustix::fs::seek(&self.file, SeekFrom::Data(offset)) {
            Ok(start) if start < self.length => start,
            Ok(_) | Err(Errno::NXIO) => return Ok(None),
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some((offset, self.length))),
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(&self.file, SeekFrom::Hole(start))?;
        // A hole punched between the two calls could make the run empty; then all that is left is data.
        let end = if end > start { end.min(self.length) } else { self.length };
        Ok(Some((start, end)))
    }
}

impl ReadAt for Vec<u8> {
    fn length(&self) -> io::Result<u64> {
        Ok(as_u64(self.len()))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let range = usize::try_from(offset)
            .ok()
            .and_then(|start| Some(start..start.checked_add(buffer.len())?))
            .and_then(|range| self.get(range));
        buffer.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Bytes that can be written at any offset; what was never written reads as zeros.
pub trait WriteAt {
    /// Writes all of `data` at `offset`, growing the file when needed.
    ///
    /// # Errors
    /// What the sink says.
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()>;

    /// Sets the length, extending with zeros.
    ///
    /// # Errors
    /// What the sink says.
    fn set_length(&mut self, bytes: u64) -> io::Result<()>;
}

impl WriteAt for File {
    fn write_all_at(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, data, offset)
    }

    fn set_length(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }
}
