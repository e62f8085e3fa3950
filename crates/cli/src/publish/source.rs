//! The image file, opened.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use disks::{Disk, FileSource, InputFormat, Limits};

/// A descriptor of a flat VMDK is a short text.
const DESCRIPTOR_BYTES: u64 = 64 << 10;

/// Opens `file` as `format`, and for a flat VMDK the extent beside it.
///
/// # Errors
/// When the file cannot be read or is refused; the message has the reason.
pub(crate) fn open(file: &Path, format: InputFormat) -> anyhow::Result<Disk> {
    match open_image(file, format)? {
        Ok(disk) => Ok(disk),
        Err(disks::Error::Refused { reason, message }) => {
            bail!("{} was refused ({reason}): {message}", file.display())
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// The same, with a refusal kept apart from what keeps the file from being read at all.
///
/// # Errors
/// When the file cannot be opened.
pub(crate) fn open_image(file: &Path, format: InputFormat) -> anyhow::Result<Result<Disk, disks::Error>> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let length = opened.metadata()?.len();
    if format == InputFormat::Vmdk
        && length <= DESCRIPTOR_BYTES
        && let Some(extent) = flat_extent(file)
    {
        let descriptor = std::fs::read(file)?;
        let extent = FileSource::new(
            File::open(&extent).with_context(|| format!("cannot open {}", extent.display()))?,
        )?;
        return Ok(disks::open_flat_vmdk(&descriptor, Box::new(extent), &Limits::default()));
    }
    Ok(disks::open(format, Box::new(FileSource::new(opened)?), &Limits::default()))
}

/// The extent of `disk.vmdk` is `disk-flat.vmdk` beside it; the descriptor's own words are never followed.
fn flat_extent(descriptor: &Path) -> Option<PathBuf> {
    let name = format!("{}-flat.vmdk", descriptor.file_stem()?.to_str()?);
    let extent = descriptor.with_file_name(name);
    extent.is_file().then_some(extent)
}
