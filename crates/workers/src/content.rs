//! What a client reads, and while it is being written also writes, as one run of bytes: a page blob, a disk under a grant.
//!
//! While it may change it is a file of the staging area; once it is settled it is an image in a region, and what
//! stood behind the disk (the footer of a fixed VHD) is kept apart, so that the image's digest is the disk's alone.
//! Everything here blocks.

#[cfg(test)]
mod tests;

use std::io;
use std::ops::Range;

use arm::Region;
use disks::{Blocks, Extent, ExtentKind, FileSource, ReadAt};
use store::{Owner, Pin};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::image::Image;
use crate::{Error, Regions, Staged, Staging};

/// Bytes of the footer that makes a disk a fixed VHD.
const FOOTER_BYTES: usize = 512;
/// How much is copied at once, in bytes.
const COPY_BYTES: u64 = 1 << 20;

/// Where the bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// In a file of the staging area, and may change.
    Staged(Uuid),
    /// In a region, for good.
    Stored {
        /// The region.
        region: Region,
        /// The bytes but for the tail.
        image: Image,
        /// What stands behind them: the footer of a fixed VHD, or nothing.
        tail: Vec<u8>,
    },
}

impl Content {
    /// Opens it to be read.
    ///
    /// # Errors
    /// [`Error::Staging`] when the file is not there, [`Error::Store`] when the image is not.
    pub fn open(&self, staging: &Staging, regions: &Regions) -> Result<OpenContent, Error> {
        match self {
            Self::Staged(name) => Ok(OpenContent::Staged(staging.get(*name).map_err(Error::Staging)?)),
            Self::Stored { region, image, tail } => {
                let disk = regions.store(region)?.image(image.root, image.size_bytes)?;
                Ok(OpenContent::Stored { disk, tail: tail.clone() })
            }
        }
    }
}

/// Content that is open: a stored one stays whole for as long, whatever is deleted.
#[derive(Debug)]
pub enum OpenContent {
    /// A file.
    Staged(Staged),
    /// An image and what stands behind it.
    Stored {
        /// The image.
        disk: store::Image,
        /// The rest.
        tail: Vec<u8>,
    },
}

impl OpenContent {
    /// The size in bytes.
    ///
    /// # Errors
    /// What the file system says.
    pub fn size_bytes(&self) -> Result<u64, Error> {
        match self {
            Self::Staged(file) => file.size_bytes().map_err(Error::Staging),
            Self::Stored { disk, tail } => Ok(disk.size_bytes() + wide(tail.len())),
        }
    }

    /// Fills `buffer` from `offset`; stored bytes are verified.
    ///
    /// # Errors
    /// When the range passes the end, or the bytes cannot be had: `buffer` then holds nothing of use.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        match self {
            Self::Staged(file) => file.read(offset, buffer).map_err(Error::Staging),
            Self::Stored { disk, tail } => {
                let before = usize::try_from(disk.size_bytes().saturating_sub(offset)).unwrap_or(usize::MAX);
                let (front, back) = buffer.split_at_mut(before.min(buffer.len()));
                if !front.is_empty() {
                    disk.read(offset, front)?;
                }
                if back.is_empty() {
                    return Ok(());
                }
                let start = offset.saturating_sub(disk.size_bytes());
                tail.read_exact_at(back, start).map_err(Error::Staging)
            }
        }
    }

    /// The next range at or after `offset` that may hold other bytes than zeros.
    ///
    /// # Errors
    /// What the file system or the region says.
    pub fn next_data(&self, offset: u64) -> Result<Option<Range<u64>>, Error> {
        let (disk, tail) = match self {
            Self::Staged(file) => return file.next_data(offset).map_err(Error::Staging),
            Self::Stored { disk, tail } => (disk, tail),
        };
        let size_bytes = disk.size_bytes();
        let mut at = offset;
        while at < size_bytes {
            let extent = disk.extent_at(at).map_err(store::Error::from)?;
            if extent.kind == ExtentKind::Data {
                return Ok(Some(at..at + extent.length));
            }
            at += extent.length;
        }
        let end = size_bytes + wide(tail.len());
        Ok((at < end).then_some(at..end))
    }

    /// Writes all of it into a file that holds only zeros.
    ///
    /// # Errors
    /// As [`OpenContent::read_at`], and [`Error::Staging`] when the file cannot be written.
    pub fn copy_to(&self, file: &Staged) -> Result<(), Error> {
        let mut buffer = Vec::new();
        let mut at = 0;
        while let Some(data) = self.next_data(at)? {
            at = data.start;
            while at < data.end {
                let length = (data.end - at).min(COPY_BYTES);
                buffer.resize(usize::try_from(length).unwrap_or_default(), 0);
                self.read_at(at, &mut buffer)?;
                file.write(at, &buffer).map_err(Error::Staging)?;
                at += length;
            }
        }
        Ok(())
    }
}

/// What a staged file has become.
#[derive(Debug)]
pub struct Settled {
    /// The bytes but for the tail.
    pub image: Image,
    /// The footer of a fixed VHD, or nothing.
    pub tail: Vec<u8>,
    /// Keeps the image from being collected until a row holds it.
    pub pin: Pin,
}

/// Makes an image in `region` of the file `name`; the footer of a fixed VHD becomes the tail.
///
/// The file stays as it is: who removes it does so once a row names the image.
///
/// # Errors
/// [`Error::Staging`] when there is no such file, [`Error::Store`] when it cannot be read or stored, or `stop` was
/// raised.
pub fn settle(
    staging: &Staging,
    name: Uuid,
    region: &store::Region,
    owner: Owner,
    stop: &CancellationToken,
) -> Result<Settled, Error> {
    let file = staging.source(name).map_err(Error::Staging)?;
    let (data_bytes, tail) = split(&file).map_err(Error::Staging)?;
    let bytes = Bytes { file, data_bytes, stop: stop.clone() };
    let ingested = store::ingest(&bytes, region, owner, &|_progress| {})?;
    let image = Image { root: ingested.root, size_bytes: data_bytes, data_bytes: ingested.logical_bytes };
    Ok(Settled { image, tail, pin: ingested.pin })
}

/// How many bytes stand before the footer of a fixed VHD, and that footer; without one, all of them.
fn split(file: &FileSource) -> io::Result<(u64, Vec<u8>)> {
    let length = file.length()?;
    let Some(data_bytes) = length.checked_sub(wide(FOOTER_BYTES)) else { return Ok((length, Vec::new())) };
    let mut end = [0; FOOTER_BYTES];
    file.read_exact_at(&mut end, data_bytes)?;
    let is_vhd = data_bytes.is_multiple_of(512) && disks::is_fixed_vhd_footer(&end, data_bytes);
    Ok(if is_vhd { (data_bytes, end.to_vec()) } else { (length, Vec::new()) })
}

/// The first bytes of a file as the store takes them: whole sectors, the last one filled up with zeros.
struct Bytes {
    file: FileSource,
    data_bytes: u64,
    stop: CancellationToken,
}

impl Blocks for Bytes {
    fn size_bytes(&self) -> u64 {
        self.data_bytes.next_multiple_of(512)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), disks::Error> {
        if self.stop.is_cancelled() {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
        let there = usize::try_from(self.data_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (data, padding) = buffer.split_at_mut(there.min(buffer.len()));
        padding.fill(0);
        Ok(self.file.read_exact_at(data, offset)?)
    }

    fn extent_at(&self, offset: u64) -> Result<Extent, disks::Error> {
        let end = self.size_bytes();
        let next = self.file.next_data(offset)?.filter(|(start, _)| *start < self.data_bytes);
        let Some((start, stop)) = next else {
            return Ok(Extent { length: end - offset, kind: ExtentKind::Zero });
        };
        if start > offset {
            return Ok(Extent { length: start - offset, kind: ExtentKind::Zero });
        }
        // What lies behind is the tail or the padding, which is read with the last sector.
        let stop = if stop >= self.data_bytes { end } else { stop };
        Ok(Extent { length: stop - offset, kind: ExtentKind::Data })
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
