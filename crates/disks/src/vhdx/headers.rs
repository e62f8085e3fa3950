//! The two headers: which of them counts, and where the log is.

use std::ops::Range;

use super::crc32c::crc32c_without;
use super::{Guid, MIB};
use crate::bytes::{self, Fields};
use crate::{Error, ReadAt};

/// Where the two headers stand.
pub(super) const HEADER_OFFSETS: [u64; 2] = [64 << 10, 128 << 10];
/// Length of a header, in bytes.
pub(super) const HEADER_BYTES: usize = 4096;
/// Where the checksum stands in headers, region tables and log entries.
pub(super) const CHECKSUM_AT: usize = 4;

/// What a header says.
#[derive(Clone, Debug)]
pub(super) struct Header {
    sequence: u64,
    version: u16,
    /// All zeros when the log is empty.
    pub(super) log_guid: Guid,
    log_version: u16,
    log_length: u32,
    log_offset: u64,
}

impl Header {
    /// The header with the higher sequence number of those that are whole.
    pub(super) fn read_current(file: &dyn ReadAt) -> Result<Self, Error> {
        let [first, second] = HEADER_OFFSETS.map(|offset| Self::read(file, offset));
        let current = match (first?, second?) {
            (Some(first), Some(second)) if first.sequence == second.sequence => {
                return Err(Error::corrupt(
                    "the two VHDX headers have the same sequence number; open and close the disk in Hyper-V once",
                ));
            }
            (Some(first), Some(second)) if first.sequence > second.sequence => first,
            (_, Some(second)) => second,
            (Some(first), None) => first,
            (None, None) => return Err(Error::corrupt("neither of the two VHDX headers is whole")),
        };
        if current.version != 1 {
            return Err(Error::unsupported("the VHDX header is of another version than 1"));
        }
        Ok(current)
    }

    /// The header at `offset`, when its signature and checksum are right.
    fn read(file: &dyn ReadAt, offset: u64) -> Result<Option<Self>, Error> {
        let bytes = bytes::read(file, "VHDX header", offset, HEADER_BYTES)?;
        let fields = Fields::new("VHDX header", &bytes);
        if fields.slice(0, 4)? != b"head"
            || fields.le_u32(CHECKSUM_AT)? != crc32c_without(&bytes, CHECKSUM_AT)
        {
            return Ok(None);
        }
        Ok(Some(Self {
            sequence: fields.le_u64(8)?,
            version: fields.le_u16(66)?,
            log_guid: fields.array(48)?,
            log_version: fields.le_u16(64)?,
            log_length: fields.le_u32(68)?,
            log_offset: fields.le_u64(72)?,
        }))
    }

    /// Whether there may be updates in the log that the file does not have yet.
    pub(super) fn has_pending_log(&self) -> bool {
        self.log_guid != [0; 16]
    }

    /// Where the log stands, when there is one.
    pub(super) fn log_region(&self) -> Result<Option<Range<u64>>, Error> {
        if self.log_length == 0 && !self.has_pending_log() {
            return Ok(None);
        }
        if self.log_version != 0 {
            return Err(Error::unsupported("the VHDX log is of another version than 0"));
        }
        region("VHDX log", self.log_offset, self.log_length).map(Some)
    }
}

/// Checks that a region consists of whole MiB, behind the first.
pub(super) fn region(name: &str, offset: u64, length: u32) -> Result<Range<u64>, Error> {
    let length = u64::from(length);
    let whole = length > 0 && length.is_multiple_of(MIB) && offset >= MIB && offset.is_multiple_of(MIB);
    let end = offset.checked_add(length).filter(|_end| whole);
    let end = end.ok_or_else(|| {
        Error::corrupt(format!(
            "the {name} ({length} bytes at offset {offset}) is not of whole MiB behind the first"
        ))
    })?;
    Ok(offset..end)
}
