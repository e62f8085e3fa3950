//! The header of a sparse VMDK, the footer that completes it, and the sizes that follow.

use super::{DIRECTORY_AT_END, ENTRIES_PER_TABLE, MARKER_END, MARKER_FOOTER, SECTOR_BYTES, bytes_of};
use crate::bytes::{self, Fields, as_usize};
use crate::raw::check_size;
use crate::{Error, Limits, ReadAt};

const HEADER_BYTES: usize = 512;
const NEWLINES_ARE_SET: u32 = 1;
const HAS_REDUNDANT_DIRECTORY: u32 = 1 << 1;
const HAS_ZERO_GRAINS: u32 = 1 << 2;
const IS_COMPRESSED: u32 = 1 << 16;
const HAS_MARKERS: u32 = 1 << 17;
const KNOWN_FLAGS: u32 =
    NEWLINES_ARE_SET | HAS_REDUNDANT_DIRECTORY | HAS_ZERO_GRAINS | IS_COMPRESSED | HAS_MARKERS;

/// The header, checked on its own. All places are in sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    version: u32,
    pub(super) flags: u32,
    pub(super) capacity_sectors: u64,
    pub(super) grain_sectors: u64,
    pub(super) descriptor_sector: u64,
    pub(super) descriptor_sectors: u64,
    pub(super) redundant_directory: Option<u64>,
    pub(super) directory: u64,
    /// Whether a footer at the end says where the directory is.
    pub(super) has_footer: bool,
    overhead_sectors: u64,
    pub(super) is_unclean: bool,
}

/// The sizes that everything else is computed from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) size_bytes: u64,
    pub(super) file_bytes: u64,
    pub(super) grain_bytes: u64,
    pub(super) is_compressed: bool,
    pub(super) has_zero_grains: bool,
}

impl Header {
    /// Reads the header, and the footer where the header says that there is one.
    pub(super) fn read(file: &dyn ReadAt) -> Result<Self, Error> {
        let file_bytes = file.length()?;
        let head = bytes::read(file, "VMDK header", 0, as_usize(file_bytes.min(512))?)?;
        refuse_other_kinds(&head)?;
        let header = Self::parse(&head)?;
        if header.directory != DIRECTORY_AT_END {
            return Ok(header);
        }
        let footer = Self::read_footer(file, file_bytes)?;
        // Two headers of one file that tell two stories would be two disks.
        let told_again = Self { directory: DIRECTORY_AT_END, is_unclean: header.is_unclean, ..footer };
        if (Self { redundant_directory: None, ..told_again })
            != (Self { redundant_directory: None, ..header })
        {
            return Err(Error::corrupt("the VMDK's footer contradicts its header"));
        }
        if footer.directory == DIRECTORY_AT_END {
            return Err(Error::corrupt("the VMDK's footer sends to another footer"));
        }
        Ok(Self { has_footer: true, is_unclean: header.is_unclean, ..footer })
    }

    /// The footer stands in the last sector but one, between its marker and that of the end.
    fn read_footer(file: &dyn ReadAt, file_bytes: u64) -> Result<Self, Error> {
        let missing = || Error::truncated("the VMDK does not end with the footer that its header announces");
        let start = file_bytes.checked_sub(3 * SECTOR_BYTES).ok_or_else(missing)?;
        let tail = bytes::read(file, "VMDK footer", start, 3 * HEADER_BYTES)?;
        let fields = Fields::new("VMDK footer", &tail);
        if !start.is_multiple_of(SECTOR_BYTES)
            || fields.le_u32(8)? != 0
            || fields.le_u32(12)? != MARKER_FOOTER
        {
            return Err(missing());
        }
        let end = (fields.le_u64(1024)?, fields.le_u32(1032)?, fields.le_u32(1036)?);
        if end != (0, 0, MARKER_END) {
            return Err(Error::corrupt("the VMDK's footer is not followed by the mark of its end"));
        }
        Self::parse(fields.slice(512, HEADER_BYTES)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let fields = Fields::new("VMDK header", bytes);
        if fields.slice(0, HEADER_BYTES)?.get(..4) != Some(b"KDMV") {
            return Err(Error::corrupt("the VMDK's footer does not begin as a header does"));
        }
        let (version, flags) = (fields.le_u32(4)?, fields.le_u32(8)?);
        if !(1..=3).contains(&version) {
            return Err(Error::unsupported(format!("VMDK version {version} is not read")));
        }
        if flags & !KNOWN_FLAGS != 0 {
            return Err(Error::unsupported(format!(
                "the VMDK has unknown flags ({:#x})",
                flags & !KNOWN_FLAGS
            )));
        }
        if flags & NEWLINES_ARE_SET != 0 && fields.slice(73, 4)? != b"\n \r\n" {
            return Err(Error::corrupt("the VMDK was damaged by a transfer as text; transfer it as binary"));
        }
        check_compression(flags, fields.le_u16(77)?)?;
        let grain_sectors = fields.le_u64(20)?;
        if !grain_sectors.is_power_of_two() || !(8..=4096).contains(&grain_sectors) {
            return Err(Error::corrupt(format!(
                "the VMDK has grains of {grain_sectors} sectors, which cannot be"
            )));
        }
        let entries = fields.le_u32(44)?;
        if u64::from(entries) != ENTRIES_PER_TABLE {
            return Err(Error::corrupt(format!("the VMDK's grain tables have {entries} entries, not 512")));
        }
        let has_redundant = flags & HAS_REDUNDANT_DIRECTORY != 0;
        Ok(Self {
            version,
            flags,
            capacity_sectors: fields.le_u64(12)?,
            grain_sectors,
            descriptor_sector: fields.le_u64(28)?,
            descriptor_sectors: fields.le_u64(36)?,
            redundant_directory: if has_redundant { Some(fields.le_u64(48)?) } else { None },
            directory: fields.le_u64(56)?,
            has_footer: false,
            overhead_sectors: fields.le_u64(64)?,
            is_unclean: fields.array::<1>(72)?[0] != 0,
        })
    }
}

fn refuse_other_kinds(head: &[u8]) -> Result<(), Error> {
    match head {
        [b'K', b'D', b'M', b'V', ..] => Ok(()),
        [b'C', b'O', b'W', b'D', ..] | [0xBE, 0xBA, 0xFE, 0xCA, ..] => Err(Error::unsupported(
            "only VMDKs of hosted products are read; convert this one to streamOptimized",
        )),
        [b'#' | b'v', ..] => Err(Error::external_reference(
            "the file is a VMDK descriptor, whose data is in other files; convert it to streamOptimized",
        )),
        _ => Err(Error::mismatch("the file does not begin as a VMDK does")),
    }
}

fn check_compression(flags: u32, algorithm: u16) -> Result<(), Error> {
    let is_compressed = flags & IS_COMPRESSED != 0;
    match algorithm {
        0 | 1 if is_compressed != (algorithm == 1) => {
            Err(Error::corrupt("the VMDK's compression and its flag contradict each other"))
        }
        0 => Ok(()),
        1 if flags & HAS_MARKERS == 0 => {
            Err(Error::unsupported("compressed VMDKs without markers are not read"))
        }
        1 => Ok(()),
        _ => Err(Error::unsupported(format!("VMDK compression {algorithm} is not known"))),
    }
}

impl Geometry {
    /// Brings together what header and descriptor say.
    pub(super) fn new(
        header: &Header,
        descriptor_sectors: u64,
        file_bytes: u64,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let capacity = header.capacity_sectors;
        check_size(bytes_of(capacity)?, limits)?;
        // Some writers round the capacity up to whole grains, and leave the true size to the descriptor.
        let is_rounded = descriptor_sectors.checked_next_multiple_of(header.grain_sectors) == Some(capacity);
        if descriptor_sectors != capacity && !is_rounded {
            return Err(Error::corrupt(format!(
                "the VMDK has {capacity} sectors by its header and {descriptor_sectors} by its descriptor"
            )));
        }
        let size_bytes = bytes_of(descriptor_sectors)?;
        check_size(size_bytes, limits)?;
        Ok(Self {
            size_bytes,
            file_bytes,
            grain_bytes: header.grain_sectors * SECTOR_BYTES,
            is_compressed: header.flags & IS_COMPRESSED != 0,
            has_zero_grains: header.flags & HAS_ZERO_GRAINS != 0,
        })
    }

    /// Bytes of the disk under one grain table.
    pub(super) fn bytes_per_table(&self) -> u64 {
        self.grain_bytes * ENTRIES_PER_TABLE
    }

    /// How many bytes of the disk are in the grain `index`; less than a grain at the end.
    pub(super) fn bytes_in_grain(&self, index: u64) -> u64 {
        self.size_bytes.saturating_sub(index.saturating_mul(self.grain_bytes)).min(self.grain_bytes)
    }
}
