//! Numbers out of foreign bytes: every read is checked against the length of what it reads.
//!
//! Nothing here can panic; a structure that ends too soon is [`Error::Damaged`].

use crate::tree::Error;

/// A structure in memory, with the name it is called by in messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    name: &'static str,
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    /// `name` is what a person calls the structure: "ext superblock".
    pub(crate) fn new(name: &'static str, bytes: &'a [u8]) -> Self {
        Self { name, bytes }
    }

    /// `length` bytes from `at`.
    pub(crate) fn slice(&self, at: usize, length: usize) -> Result<&'a [u8], Error> {
        at.checked_add(length)
            .and_then(|end| self.bytes.get(at..end))
            .ok_or_else(|| Error::Damaged(format!("the {} ends before its byte {at}", self.name)))
    }

    /// `N` bytes from `at`.
    pub(crate) fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(at, N)?);
        Ok(array)
    }

    /// The byte at `at`.
    pub(crate) fn u8(&self, at: usize) -> Result<u8, Error> {
        self.array::<1>(at).map(|[byte]| byte)
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
}

/// A length in memory as a length on disk.
pub(crate) fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A length on disk as a length in memory; what does not fit becomes the largest, which no buffer has.
pub(crate) fn as_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Whether every byte is zero.
pub(crate) fn all_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
