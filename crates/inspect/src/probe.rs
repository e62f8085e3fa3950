//! What a volume holds, told from its magic numbers alone.
//!
//! Containers (LUKS, BitLocker, RAID, LVM) come before file systems, since the bytes inside would be misread.

use crate::bytes::{Fields, as_usize};
use crate::text;
use crate::tree::Error;
use crate::window::Window;

/// How far into a volume the magic numbers stand.
const HEAD_BYTES: u64 = 68 << 10;

/// What a volume holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file system; whether its files can be read here tells [`crate::Volume::tree`].
    Files(FileSystem),
    /// Swap space of Linux.
    Swap,
    /// A physical volume of LVM2.
    LvmPhysical,
    /// Encrypted by LUKS, of this version.
    Luks(u16),
    /// Encrypted by BitLocker.
    BitLocker,
    /// A member of a Linux software RAID.
    RaidMember,
    /// Only zeros where anything known would begin.
    Empty,
    /// Nothing that is recognised.
    Unknown,
}

impl Content {
    /// Whether the bytes inside cannot be read without a key.
    #[must_use]
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Luks(_) | Self::BitLocker)
    }
}

/// File systems that are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// ext2, ext3 or ext4.
    Ext,
    /// XFS.
    Xfs,
    /// Btrfs.
    Btrfs,
    /// NTFS.
    Ntfs,
    /// FAT12, FAT16 or FAT32.
    Fat,
    /// exFAT.
    ExFat,
    /// ReFS.
    ReFs,
    /// ISO 9660.
    Iso9660,
    /// UDF.
    Udf,
    /// SquashFS.
    SquashFs,
    /// EROFS.
    Erofs,
    /// F2FS.
    F2fs,
}

impl FileSystem {
    /// The name as `fstab` spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::Ntfs => "ntfs",
            Self::Fat => "vfat",
            Self::ExFat => "exfat",
            Self::ReFs => "refs",
            Self::Iso9660 => "iso9660",
            Self::Udf => "udf",
            Self::SquashFs => "squashfs",
            Self::Erofs => "erofs",
            Self::F2fs => "f2fs",
        }
    }
}

/// What a volume holds, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) content: Content,
    pub(crate) label: Option<String>,
    pub(crate) uuid: Option<String>,
}

/// Looks at the first 68 KiB of `volume`, and at its end.
pub(crate) fn probe(volume: &Window<'_>) -> Result<Found, Error> {
    let length = volume.size_bytes().min(HEAD_BYTES);
    let mut head = volume.bytes(0, length)?;
    let is_empty = head.iter().all(|byte| *byte == 0);
    // Magic numbers past the end of a small volume are not there, which zeros say as well.
    head.resize(as_usize(HEAD_BYTES), 0);
    let fields = Fields::new("volume", &head);
    let found = container(&fields, volume)?.or(linux(&fields)?).or(others(&fields)?);
    Ok(found.unwrap_or_else(|| named(if is_empty { Content::Empty } else { Content::Unknown }, None, None)))
}

fn named(content: Content, label: Option<String>, uuid: Option<String>) -> Found {
    Found { content, label, uuid }
}

/// Containers: what is inside begins elsewhere, or cannot be read.
fn container(fields: &Fields<'_>, volume: &Window<'_>) -> Result<Option<Found>, Error> {
    if fields.array(0)? == *b"LUKS\xBA\xBE" {
        let version = fields.be_u16(6)?;
        let label = if version == 2 { text::padded(fields.slice(24, 48)?) } else { None };
        return Ok(Some(named(Content::Luks(version), label, text::padded(fields.slice(168, 40)?))));
    }
    // BitLocker To Go keeps the boot sector of a FAT, with its own GUID in it (4967D63B-2E29-4AD8-8399-F6A339E3D001).
    const TO_GO: [u8; 16] = *b"\x3B\xD6\x67\x49\x29\x2E\xD8\x4A\x83\x99\xF6\xA3\x39\xE3\xD0\x01";
    if fields.array(3)? == *b"-FVE-FS-" || fields.array(424)? == TO_GO {
        return Ok(Some(named(Content::BitLocker, None, None)));
    }
    for sector in 0..4 {
        let at = sector * 512;
        if fields.array(at)? == *b"LABELONE" && fields.array(at + 24)? == *b"LVM2 001" {
            return Ok(Some(named(Content::LvmPhysical, None, None)));
        }
    }
    for at in [0, 4096] {
        if fields.le_u32(at)? == 0xA92B_4EFC {
            let label = text::padded(fields.slice(at + 32, 32)?);
            return Ok(Some(named(Content::RaidMember, label, Some(text::uuid(fields.array(at + 16)?)))));
        }
    }
    Ok(at_the_end(volume)?.then(|| named(Content::RaidMember, None, None)))
}

/// RAID superblocks of versions 0.90 and 1.0 stand at the end.
fn at_the_end(volume: &Window<'_>) -> Result<bool, Error> {
    let size = volume.size_bytes();
    if size < 128 << 10 {
        return Ok(false);
    }
    let old = (size & !0xFFFF) - (64 << 10);
    let new = (size - (8 << 10)) & !0xFFF;
    for at in [old, new] {
        let mut magic = [0; 4];
        volume.read(at, &mut magic)?;
        if u32::from_le_bytes(magic) == 0xA92B_4EFC {
            return Ok(true);
        }
    }
    Ok(false)
}

/// File systems that Linux roots are made of, and swap.
fn linux(fields: &Fields<'_>) -> Result<Option<Found>, Error> {
    let files = |system, label, uuid| Some(named(Content::Files(system), label, uuid));
    if fields.array(0)? == *b"XFSB" {
        let uuid = text::uuid(fields.array(32)?);
        return Ok(files(FileSystem::Xfs, text::padded(fields.slice(108, 12)?), Some(uuid)));
    }
    if fields.array(0x1_0040)? == *b"_BHRfS_M" {
        let uuid = text::uuid(fields.array(0x1_0020)?);
        return Ok(files(FileSystem::Btrfs, text::padded(fields.slice(0x1_012B, 256)?), Some(uuid)));
    }
    if fields.le_u16(1080)? == 0xEF53 {
        let uuid = text::uuid(fields.array(1024 + 104)?);
        return Ok(files(FileSystem::Ext, text::padded(fields.slice(1024 + 120, 16)?), Some(uuid)));
    }
    for page in [4096, 8192, 16384, 32768, 65536] {
        if [*b"SWAPSPACE2", *b"SWAP-SPACE"].contains(&fields.array(page - 10)?) {
            let uuid = text::uuid(fields.array(1024 + 12)?);
            return Ok(Some(named(Content::Swap, text::padded(fields.slice(1024 + 28, 16)?), Some(uuid))));
        }
    }
    if fields.array(0)? == *b"hsqs" {
        return Ok(files(FileSystem::SquashFs, None, None));
    }
    if fields.le_u32(1024)? == 0xE0F5_E1E2 {
        let uuid = text::uuid(fields.array(1024 + 48)?);
        return Ok(files(FileSystem::Erofs, text::padded(fields.slice(1024 + 64, 16)?), Some(uuid)));
    }
    if fields.le_u32(1024)? == 0xF2F5_2010 {
        return Ok(files(FileSystem::F2fs, None, Some(text::uuid(fields.array(1024 + 108)?))));
    }
    Ok(None)
}

/// File systems of Windows, of firmware, and of discs.
fn others(fields: &Fields<'_>) -> Result<Option<Found>, Error> {
    let files = |system, label, uuid| Some(named(Content::Files(system), label, uuid));
    match &fields.array::<8>(3)? {
        b"NTFS    " => {
            let serial = format!("{:016X}", fields.le_u64(72)?);
            return Ok(files(FileSystem::Ntfs, None, Some(serial)));
        }
        b"EXFAT   " => {
            let serial = fields.le_u32(100)?;
            return Ok(files(FileSystem::ExFat, None, Some(fat_serial(serial))));
        }
        b"ReFS\0\0\0\0" => return Ok(files(FileSystem::ReFs, None, None)),
        _ => {}
    }
    if looks_like_fat(fields)? {
        let at = if fields.le_u16(22)? == 0 { 64 } else { 36 };
        let is_extended = matches!(fields.u8(at + 2)?, 0x28 | 0x29);
        let label = is_extended.then(|| fields.slice(at + 7, 11).map(text::padded)).transpose()?.flatten();
        let uuid = is_extended.then(|| fields.le_u32(at + 3)).transpose()?.map(fat_serial);
        return Ok(files(FileSystem::Fat, label.filter(|label| label != "NO NAME"), uuid));
    }
    if fields.array(0x8001)? == *b"CD001" {
        return Ok(files(FileSystem::Iso9660, text::padded(fields.slice(0x8028, 32)?), None));
    }
    if [*b"BEA01", *b"NSR02", *b"NSR03"].contains(&fields.array(0x8001)?) {
        return Ok(files(FileSystem::Udf, None, None));
    }
    Ok(None)
}

/// A FAT has no magic number of its own: its boot sector must make sense as a whole.
fn looks_like_fat(fields: &Fields<'_>) -> Result<bool, Error> {
    let sector_bytes = fields.le_u16(11)?;
    let cluster_sectors = fields.u8(13)?;
    let sectors = if fields.le_u16(19)? == 0 { fields.le_u32(32)? } else { fields.le_u16(19)?.into() };
    let table_sectors = if fields.le_u16(22)? == 0 { fields.le_u32(36)? } else { fields.le_u16(22)?.into() };
    Ok(fields.le_u16(510)? == 0xAA55
        && [512, 1024, 2048, 4096].contains(&sector_bytes)
        && cluster_sectors.is_power_of_two()
        && fields.le_u16(14)? > 0
        && (1..=2).contains(&fields.u8(16)?)
        && fields.u8(21)? >= 0xF0
        && sectors > 0
        && table_sectors > 0)
}

/// The serial number as `UUID=` in a guest spells it.
fn fat_serial(serial: u32) -> String {
    format!("{:04X}-{:04X}", serial >> 16, serial & 0xFFFF)
}
