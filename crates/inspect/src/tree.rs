//! Files and folders of one file system, or of several laid over each other as the guest would mount them.
//!
//! Paths are bytes with `/` between names, from the root of the tree, without `.` and `..`. A tree never follows a
//! symbolic link by itself: [`crate::tree`]'s callers resolve them inside the tree, so nothing outside is reached.

/// What can be looked at and read.
///
/// Every answer is bounded by the caller's limits; a damaged file system answers with [`Error`], never with a panic.
pub trait Tree {
    /// The node at `path` itself (a link is not followed); `None` when nothing is there.
    ///
    /// # Errors
    /// [`Error`] when that could not be told.
    fn node(&self, path: &[u8]) -> Result<Option<Node>, Error>;

    /// The names in a folder, without `.` and `..`, in no particular order; at most `most` of them.
    ///
    /// # Errors
    /// [`Error`] when it is no folder, cannot be read, or holds more.
    fn names(&self, path: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Error>;

    /// Up to `most` bytes of a regular file from `offset`; shorter only at its end.
    ///
    /// # Errors
    /// [`Error`] when it is no regular file or cannot be read.
    fn read(&self, path: &[u8], offset: u64, most: usize) -> Result<Vec<u8>, Error>;

    /// What a symbolic link points to, as stored.
    ///
    /// # Errors
    /// [`Error`] when it is no link or cannot be read.
    fn target(&self, path: &[u8]) -> Result<Vec<u8>, Error>;
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Size in bytes of a regular file; 0 for the rest.
    pub size_bytes: u64,
    /// Permission bits (`0o7777`); 0 where the file system has none.
    pub mode: u32,
    /// Owner, where the file system has one.
    pub uid: Option<u32>,
    /// Group, where the file system has one.
    pub gid: Option<u32>,
    /// Tells nodes of one file system apart (an inode number), where it can be told.
    pub number: Option<u64>,
}

/// Kinds of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, pipe or socket.
    Other,
}

/// Why something could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing stands at the path, or it is of another kind than asked for.
    #[error("{0}")]
    NotThere(String),
    /// The bytes contradict themselves or the disk ends too soon.
    #[error("damaged: {0}")]
    Damaged(String),
    /// A feature that is not read here.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// Time, bytes or entries allowed for the inspection are used up.
    #[error("the limit of {0} is used up")]
    Budget(&'static str),
}
