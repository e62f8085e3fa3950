//! Runs the tools of Debian that make file systems without mounting any. A missing tool is a failure, not a skip.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::memory::Memory;

/// A folder of its own, in which tools work.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The path of `name` in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A sparse file of `mebibytes`.
    pub(crate) fn image(&self, name: &str, mebibytes: u64) -> PathBuf {
        let path = self.path(name);
        File::create(&path).unwrap().set_len(mebibytes << 20).unwrap();
        path
    }

    /// Runs `line`, words divided by spaces, in the folder; returns what it said.
    pub(crate) fn run(&self, line: &str) -> String {
        self.run_words(&line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>())
    }

    /// The same, for words that may hold spaces.
    pub(crate) fn run_words(&self, line: &[&str]) -> String {
        let (program, words) = line.split_first().unwrap();
        let output = Command::new(program)
            .args(words)
            .current_dir(self.folder.path())
            // Debian keeps these where only root looks.
            .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap()))
            .env("MTOOLS_SKIP_CHECK", "1")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap_or_else(|error| {
                panic!(
                    "these tests need {program} ({error}); Debian has it in one of e2fsprogs, xfsprogs, btrfs-progs, \
                     dosfstools, mtools, ntfs-3g, wimtools, gdisk, fdisk, lvm2"
                )
            });
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line:?}: {said}{complained}");
        said.into_owned()
    }

    /// Loads `name`.
    pub(crate) fn load(&self, name: &str) -> Memory {
        Memory::load(&self.path(name))
    }
}
