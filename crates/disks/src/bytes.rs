//! Numbers out of foreign bytes: every read is checked against the length of what it reads.
//!
//! Nothing here can panic or allocate more than it was asked for, whatever the bytes say.

use crate::{Error, ReadAt};

/// How much of a table is read at once, in bytes; a multiple of every entry.
const PIECE_BYTES: u64 = 1 << 20;

/// A structure of a container in memory, with the name it is called by in messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    name: &'static str,
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    /// `name` is what a person calls the structure: "VHD footer".
    pub(crate) fn new(name: &'static str, bytes: &'a [u8]) -> Self {
        Self { name, bytes }
    }

    /// `length` bytes from `at`; [`crate::Reason::ImageTruncated`] when the structure ends before.
    pub(crate) fn slice(&self, at: usize, length: usize) -> Result<&'a [u8], Error> {
        let end = at.checked_add(length);
        end.and_then(|end| self.bytes.get(at..end)).ok_or_else(|| {
            Error::truncated(format!(
                "the {} ends before its field of {length} bytes at byte {at}",
                self.name
            ))
        })
    }

    /// `N` bytes from `at`; [`crate::Reason::ImageTruncated`] when the structure ends before.
    pub(crate) fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(at, N)?);
        Ok(array)
    }

    /// The big-endian number at `at`.
    pub(crate) fn be_u16(&self, at: usize) -> Result<u16, Error> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// The big-endian number at `at`.
    pub(crate) fn be_u32(&self, at: usize) -> Result<u32, Error> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// The big-endian number at `at`.
    pub(crate) fn be_u64(&self, at: usize) -> Result<u64, Error> {
        self.array(at).map(u64::from_be_bytes)
    }

    /// The little-endian number at `at`.
    pub(crate) fn le_u16(&self, at: usize) -> Result<u16, Error> {
        self.array(at).map(u16::from_le_bytes)
    }

    /// The little-endian number at `at`.
    pub(crate) fn le_u32(&self, at: usize) -> Result<u32, Error> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// The little-endian number at `at`.
    pub(crate) fn le_u64(&self, at: usize) -> Result<u64, Error> {
        self.array(at).map(u64::from_le_bytes)
    }
}

/// Reads `length` bytes of `file` from `offset`, after checking that the file has them.
///
/// The caller has bounded `length` by a limit; [`crate::Reason::ImageTruncated`] names `what` when the file ends before.
pub(crate) fn read(file: &dyn ReadAt, what: &str, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
    lies_inside(file, what, offset, as_u64(length))?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

/// Hands `length` bytes of `file` from `offset` to `each`, a MiB at a time, after checking that the file has them.
///
/// For tables: what is kept of them is smaller than what stands in the file.
pub(crate) fn read_pieces(
    file: &dyn ReadAt,
    what: &str,
    offset: u64,
    length: u64,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    lies_inside(file, what, offset, length)?;
    let mut piece = vec![0; as_usize(length.min(PIECE_BYTES))?];
    let mut done = 0;
    while done < length {
        let wanted = as_usize((length - done).min(PIECE_BYTES))?;
        file.read_exact_at(&mut piece[..wanted], offset + done)?;
        each(&piece[..wanted])?;
        done += as_u64(wanted);
    }
    Ok(())
}

/// Checks that `length` bytes from `offset` lie inside `file`.
pub(crate) fn lies_inside(file: &dyn ReadAt, what: &str, offset: u64, length: u64) -> Result<(), Error> {
    let file_length = file.length()?;
    match offset.checked_add(length) {
        Some(end) if end <= file_length => Ok(()),
        _ => Err(Error::truncated(format!(
            "the {what} ({length} bytes at offset {offset}) reaches past the end of the file ({file_length} bytes)"
        ))),
    }
}

/// Whether every byte is zero.
pub(crate) fn all_zero(bytes: &[u8]) -> bool {
    // Whole words first, so that the compiler can use wide registers.
    let (words, rest) = bytes.as_chunks::<64>();
    words.iter().all(|word| word.iter().fold(0, |seen, byte| seen | byte) == 0)
        && rest.iter().all(|byte| *byte == 0)
}

/// A length in memory as a length on disk.
pub(crate) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A length on disk as a length in memory; refuses what this machine cannot address.
pub(crate) fn as_usize(length: u64) -> Result<usize, Error> {
    usize::try_from(length)
        .map_err(|_too_large| Error::limit(format!("{length} bytes do not fit this machine's memory")))
}
