//! What a disk is once its container is forgotten: bytes at offsets, with holes.

use crate::Error;

/// A sparse, randomly readable sequence of bytes: the disk as a guest sees it.
///
/// Reading is `&self` and thread-safe, so that several threads may decode one disk at once.
pub trait Blocks: Send + Sync {
    /// The virtual size in bytes; a multiple of 512.
    fn size_bytes(&self) -> u64;

    /// Fills `buffer` with the bytes from `offset`; holes read as zeros.
    ///
    /// # Errors
    /// When the range ends past [`Blocks::size_bytes`], or the container is damaged there.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error>;

    /// The extent that begins at `offset` (which need not be where the container's own unit begins).
    ///
    /// It is never empty and never reaches past the end. Data extents may hold zeros; zero extents hold
    /// nothing else. Walking `offset += length` from 0 visits the whole disk.
    ///
    /// # Errors
    /// When `offset` is not below [`Blocks::size_bytes`], or the container is damaged there.
    fn extent_at(&self, offset: u64) -> Result<Extent, Error>;

    /// Proves what opening could not: that every compressed unit unpacks to what its place wants.
    ///
    /// Who reads only parts of a disk (an inspection) asks for this first; who reads all of it finds the same by itself.
    ///
    /// # Errors
    /// When the container is damaged somewhere.
    fn prove(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// A run of bytes of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Bytes from the asked offset on.
    pub length: u64,
    /// What stands there.
    pub kind: ExtentKind,
}

/// Whether an extent has bytes behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtentKind {
    /// Bytes that must be read.
    Data,
    /// Known to read as zeros, without reading.
    Zero,
}
