//! Runs the tools of Debian that make file systems without mounting any. A missing tool is a failure, not a skip.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;

use anyhow::{Context, ensure};
use disks::{Blocks, Error, Extent, ExtentKind, OutputFormat, ReadAt as _};
use tempfile::TempDir;

use crate::Image;

/// A folder of its own, in which tools work.
#[derive(Clone, Debug)]
pub struct Workshop {
    folder: Rc<TempDir>,
}

impl Workshop {
    /// An empty folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { folder: Rc::new(tempfile::tempdir()?) })
    }

    /// The path of `name` in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and the folders above it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(fs::write(path, bytes)?)
    }

    /// A sparse file of `mebibytes`, empty again when it was there.
    pub(crate) fn blank(&self, name: &str, mebibytes: u64) -> anyhow::Result<()> {
        Ok(File::create(self.path(name))?.set_len(mebibytes << 20)?)
    }

    /// Runs `line`, words divided by spaces, in the folder.
    pub(crate) fn run(&self, line: &str) -> anyhow::Result<String> {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let program = words.next().context("an empty line")?;
        let output = Command::new(program)
            .args(words)
            .current_dir(self.folder.path())
            // Debian keeps these where only root looks.
            .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH")?))
            .env("MTOOLS_SKIP_CHECK", "1")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .with_context(|| {
                format!(
                    "the corpus needs {program}; Debian has it in one of e2fsprogs, xfsprogs, btrfs-progs, \
                     dosfstools, mtools, ntfs-3g, wimtools"
                )
            })?;
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{line}: {said}{complained}");
        Ok(said.into_owned())
    }

    /// The image `name` of `mebibytes` after `line` has made a file system of it.
    pub(crate) fn mkfs(&self, name: &str, mebibytes: u64, line: &str) -> anyhow::Result<Image> {
        self.blank(name, mebibytes)?;
        self.run(line)?;
        self.load(name)
    }

    /// Loads `name`.
    pub(crate) fn load(&self, name: &str) -> anyhow::Result<Image> {
        Image::load(&self.path(name)).with_context(|| format!("cannot load {name}"))
    }
}

/// A disk that is written as it is, whatever its bytes look like.
struct Plain(Image);

impl Blocks for Plain {
    fn size_bytes(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.copy_from_slice(&self.0.get(offset, buffer.len()));
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, Error> {
        let left = self.0.len() - offset;
        Ok(match self.0.next_data(offset)? {
            Some((start, end)) if start == offset => Extent { length: end - start, kind: ExtentKind::Data },
            Some((start, _)) => Extent { length: start - offset, kind: ExtentKind::Zero },
            None => Extent { length: left, kind: ExtentKind::Zero },
        })
    }
}

/// The disk `raw` in a container.
pub(crate) fn packed(raw: Image, format: OutputFormat) -> anyhow::Result<Image> {
    let mut image = Image::default();
    disks::write(format, &Plain(raw), [7; 16], &mut image)?;
    Ok(image)
}
