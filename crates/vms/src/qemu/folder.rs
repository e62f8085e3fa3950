//! The folder of one machine: its specification, how to find its process again, what its serial port put out.
//!
//! Small files are replaced whole. The log of the serial port is a file named after the offset of its first byte; it
//! grows to twice what is kept and is then begun anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::process::User;
use crate::serial::SerialLog;

/// What the machine is made of.
pub(super) const MACHINE: &str = "machine.json";
/// The process that runs it, while one does.
pub(super) const RUN: &str = "run.json";
/// How its last run ended.
pub(super) const ENDING: &str = "ending.json";
/// QEMU's control socket.
pub(super) const CONTROL: &str = "control.sock";

const SERIAL: &str = "serial.";
/// The largest of the small files.
const MAX_NOTE_BYTES: u64 = 1 << 20;

/// A machine's folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    user: Option<User>,
}

impl Folder {
    pub(super) fn new(path: PathBuf, user: Option<User>) -> Self {
        Self { path, user }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the folder, open to nobody but the machine's process.
    pub(super) fn make(&self) -> io::Result<()> {
        if let Some(parent) = self.path.parent() {
            // Machines pass through, and see nothing of each other.
            fs::DirBuilder::new().recursive(true).mode(0o711).create(parent)?;
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        self.give(&self.path)
    }

    /// Lets the machine's process have a file.
    pub(super) fn give(&self, path: &Path) -> io::Result<()> {
        match self.user {
            Some(User { uid, gid }) => chown(path, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }

    pub(super) fn write<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let fresh = self.file(&format!("{name}.new"));
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.sync_all()?;
        fs::rename(fresh, self.file(name))
    }

    /// The note of this name, or nothing if there is none that can be read.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let mut bytes = Vec::new();
        File::open(self.file(name)).ok()?.take(MAX_NOTE_BYTES).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    pub(super) fn forget(&self, name: &str) {
        // What is not there need not go.
        drop(fs::remove_file(self.file(name)));
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// The log as an earlier process left it, and the file to go on with.
    pub(super) fn open_serial(&self, limit: u64) -> io::Result<(SerialLog, SerialFile)> {
        let mut first = 0;
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let offset = name.to_str().and_then(|name| name.strip_prefix(SERIAL)?.parse().ok());
            first = offset.unwrap_or(0).max(first);
        }
        let path = self.file(&format!("{SERIAL}{first}"));
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(limit.saturating_mul(4)).read_to_end(&mut bytes)?;
        let mut log = SerialLog::new(limit, first);
        log.push(&bytes);
        let length = bytes.len() as u64;
        Ok((log, SerialFile { folder: self.path.clone(), path, file, length, limit }))
    }
}

/// Where the output of a serial port is kept.
#[derive(Debug)]
pub(super) struct SerialFile {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    length: u64,
    limit: u64,
}

impl SerialFile {
    /// Appends what was just pushed to the log.
    pub(super) fn append(&mut self, bytes: &[u8], log: &SerialLog) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        if self.length <= self.limit.saturating_mul(2) {
            return Ok(());
        }
        let (first, kept) = log.kept();
        let path = self.folder.join(format!("{SERIAL}{first}"));
        let mut file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        file.write_all(&kept)?;
        fs::remove_file(&self.path)?;
        (self.path, self.file, self.length) = (path, file, kept.len() as u64);
        Ok(())
    }
}
