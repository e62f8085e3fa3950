//! The data folder of one server: who holds it, its private files, and what it tells local clients.
//!
//! One process at a time holds the folder; the lock is the kernel's, so it ends with the process.
//! Private files belong to their owner alone, are never followed through a symbolic link, and are
//! replaced whole or not at all.

mod connection;
mod folder;

#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

pub use self::connection::Connection;
pub(crate) use self::folder::Folder;

/// The certificate clients must trust, by its name in the data folder.
pub const CA_FILE: &str = "ca.pem";

const LOCK_FILE: &str = "lock";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process serves this folder.
    #[error(
        "this data folder is in use by another gallerist serve{}; \
         stop that one, or give this one a folder of its own with --data",
        .process.map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    Busy {
        /// The other process, where it could be read.
        process: Option<u32>,
    },
    /// Someone else could read what is kept here, or it is someone else's.
    #[error("{what} is open to other users of this machine; close it with: chmod {mode} {what}")]
    Exposed {
        /// The file, by its name in the data folder, or the folder itself.
        what: String,
        /// The permissions it should have.
        mode: &'static str,
    },
    /// A file that belongs to another user, or is not a plain file.
    #[error("{what} is not a plain {kind} of the user who runs gallerist; move it away and start again")]
    Foreign {
        /// The file, by its name in the data folder, or the folder itself.
        what: String,
        /// "file" or "folder".
        kind: &'static str,
    },
    /// A file of ours that no longer reads as what we wrote.
    #[error("{file} in the data folder is damaged ({detail}); restore it from a backup")]
    Damaged {
        /// The file, by its name in the data folder.
        file: String,
        /// What was found wrong.
        detail: String,
    },
    /// There is no server's address here yet.
    #[error(
        "no server has been started on this data folder yet; start one with: gallerist serve --data FOLDER"
    )]
    NeverStarted,
    /// The operating system refused.
    #[error("cannot {action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The cryptographic library refused.
    #[error("cannot {action}: the cryptographic library refused")]
    Crypto {
        /// What was tried.
        action: &'static str,
    },
    /// A certificate could not be made, or TLS not be set up.
    #[error("cannot set up TLS: {detail}")]
    Tls {
        /// What went wrong.
        detail: String,
    },
}

impl Error {
    pub(crate) fn io(action: impl Into<String>, source: impl Into<std::io::Error>) -> Self {
        Self::Io { action: action.into(), source: source.into() }
    }

    pub(crate) fn damaged(file: &str, detail: impl std::fmt::Display) -> Self {
        Self::Damaged { file: file.to_owned(), detail: detail.to_string() }
    }
}

/// A data folder, held by this process until dropped.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    folder: Folder,
    /// Held for its lock; closing it gives the folder up.
    _lock: File,
}

impl Home {
    /// Takes the folder for this process, making it (0700) when it does not exist.
    ///
    /// # Errors
    /// [`Error::Busy`] while another process holds it; [`Error::Exposed`] or [`Error::Foreign`] when
    /// other users could read or change what is in it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let path = std::path::absolute(path).map_err(|source| Error::io("find the data folder", source))?;
        let folder = Folder::create(&path)?;
        let lock = lock(&folder)?;
        Ok(Self { path, folder, _lock: lock })
    }

    /// Where the folder is, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where clients find the certificate to trust.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.path.join(CA_FILE)
    }

    /// Tells local clients where the server is and how its owner signs in.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written; the previous one then stands.
    pub fn announce(&self, connection: &Connection) -> Result<(), Error> {
        connection.write(&self.folder)
    }

    /// What local clients were told last; `None` before the first start.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Exposed`] or [`Error::Io`].
    pub fn announced(&self) -> Result<Option<Connection>, Error> {
        Connection::load(&self.folder)
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }
}

fn lock(folder: &Folder) -> Result<File, Error> {
    let mut file = folder.open_for_lock(LOCK_FILE)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::Busy { process: holder(&mut file) }),
        Err(TryLockError::Error(source)) => return Err(Error::io("lock the data folder", source)),
    }
    // The number is only a hint for the message above; the lock itself is the kernel's.
    let note = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    note(&mut file).map_err(|source| Error::io("write the lock file of the data folder", source))?;
    Ok(file)
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
