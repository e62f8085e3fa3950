//! A folder held by its handle: reads and replaces files in it by name, for the owner's eyes only.
//!
//! Every path step is taken relative to the open folder and without following links, so that
//! nothing planted in it can lead a read or a write elsewhere.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{self as sys, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::Error;

/// No file kept here comes near this; more is damage.
const FILE_LIMIT_BYTES: u64 = 4 * 1024 * 1024;
const OTHERS: u32 = 0o077;

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: OwnedFd,
    /// How messages call it: empty for the data folder itself, else `tls/`.
    prefix: String,
}

impl Folder {
    /// Opens the data folder, making it first where there is none.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let fresh = match make_owned(path) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
            Err(source) => return Err(Error::io("make the data folder", source)),
        };
        let folder = Self::open(path)?;
        if let Err(exposed) = folder.check("the data folder") {
            // An empty folder of ours, just made by hand, holds nothing that could have leaked.
            let ours = matches!(exposed, Error::Exposed { .. });
            if !(ours && (fresh || folder.is_empty()?)) {
                return Err(exposed);
            }
            sys::fchmod(&folder.handle, Mode::RWXU)
                .map_err(|source| Error::io("close the data folder to other users", source))?;
        }
        Ok(folder)
    }

    /// Opens an existing data folder.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let handle = sys::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|source| match source {
                Errno::NOENT => Error::NeverStarted,
                source => Error::io("open the data folder", source),
            })?;
        Ok(Self { handle, prefix: String::new() })
    }

    /// A folder (0700) inside this one, made when missing.
    pub(crate) fn inner(&self, name: &str) -> Result<Self, Error> {
        let shown = format!("{}{name}", self.prefix);
        match sys::mkdirat(&self.handle, name, Mode::RWXU) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(source) => return Err(Error::io(format!("make {shown} in the data folder"), source)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle =
            sys::openat(&self.handle, name, flags, Mode::empty()).map_err(|source| match source {
                Errno::LOOP | Errno::NOTDIR => Error::Foreign { what: shown.clone(), kind: "folder" },
                source => Error::io(format!("open {shown} in the data folder"), source),
            })?;
        let inner = Self { handle, prefix: format!("{shown}/") };
        inner.check(&shown)?;
        Ok(inner)
    }

    /// The content of a private file; `None` where there is none.
    pub(crate) fn read_private(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let shown = format!("{}{name}", self.prefix);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let handle = match sys::openat(&self.handle, name, flags, Mode::empty()) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Error::Foreign { what: shown, kind: "file" }),
            Err(source) => return Err(Error::io(format!("open {shown} in the data folder"), source)),
        };
        let stat = sys::fstat(&handle).map_err(|source| Error::io(format!("look at {shown}"), source))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Error::Foreign { what: shown, kind: "file" });
        }
        owned_and_closed(&stat, &shown, "file", "600")?;
        let mut content = Vec::new();
        File::from(handle)
            .take(FILE_LIMIT_BYTES + 1)
            .read_to_end(&mut content)
            .map_err(|source| Error::io(format!("read {shown} in the data folder"), source))?;
        if content.len() as u64 > FILE_LIMIT_BYTES {
            return Err(Error::damaged(&shown, "it is far larger than it should be"));
        }
        Ok(Some(content))
    }

    /// Puts a private file (0600) in place: after a crash it is the old one or the new one, whole.
    pub(crate) fn replace_private(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        self.replace(name, content, Mode::RUSR | Mode::WUSR)
    }

    /// As [`Self::replace_private`], for what other users may read (0644).
    pub(crate) fn replace_public(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        self.replace(name, content, Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH)
    }

    /// Opens (or makes, 0600) the file whose lock stands for the folder.
    pub(super) fn open_for_lock(&self, name: &str) -> Result<File, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        sys::openat(&self.handle, name, flags, Mode::RUSR | Mode::WUSR)
            .map(File::from)
            .map_err(|source| Error::io("open the lock file of the data folder", source))
    }

    fn replace(&self, name: &str, content: &[u8], mode: Mode) -> Result<(), Error> {
        let failed = |source: std::io::Error| {
            Error::io(format!("write {}{name} in the data folder", self.prefix), source)
        };
        let draft = format!(".{name}.new");
        // A draft left by a crash is of no use; O_EXCL then proves that the new one is ours.
        match sys::unlinkat(&self.handle, &draft, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(source) => return Err(failed(source.into())),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle =
            sys::openat(&self.handle, &draft, flags, mode).map_err(|source| failed(source.into()))?;
        let mut file = File::from(handle);
        file.write_all(content).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        sys::renameat(&self.handle, &draft, &self.handle, name).map_err(|source| failed(source.into()))?;
        self.sync()
    }

    fn sync(&self) -> Result<(), Error> {
        sys::fsync(&self.handle).map_err(|source| Error::io("write the data folder to disk", source))
    }

    fn check(&self, shown: &str) -> Result<(), Error> {
        let stat =
            sys::fstat(&self.handle).map_err(|source| Error::io(format!("look at {shown}"), source))?;
        owned_and_closed(&stat, shown, "folder", "700")
    }

    fn is_empty(&self) -> Result<bool, Error> {
        let failed = |source: Errno| Error::io("list the data folder", source);
        for entry in sys::Dir::read_from(&self.handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn make_owned(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

fn owned_and_closed(stat: &Stat, what: &str, kind: &'static str, mode: &'static str) -> Result<(), Error> {
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Error::Foreign { what: what.to_owned(), kind });
    }
    if stat.st_mode & OTHERS != 0 {
        return Err(Error::Exposed { what: what.to_owned(), mode });
    }
    Ok(())
}
