//! Where bytes come from and go to: the only doors between a format and the world.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

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
