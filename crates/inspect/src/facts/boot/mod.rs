//! What firmware would start: boot code for a BIOS, loaders on the EFI system partition.
//!
//! A generation is told only when its whole chain is there: code *and* what the code goes on to read.

mod loader;
mod menu;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::loader::Loader;
pub(crate) use self::loader::hex;
pub(super) use self::loader::is_signed;
pub use self::menu::Entry;
pub(super) use self::menu::default_entry;
use crate::bytes::{Fields, all_zero};
use crate::disk::Disk;
use crate::partitions::{Partition, TableKind};
use crate::tree::Error;

/// Generations of virtual hardware, as Hyper-V counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Generation {
    /// Started by a BIOS.
    V1,
    /// Started by UEFI.
    V2,
}

impl Generation {
    /// As the wire spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "V1",
            Self::V2 => "V2",
        }
    }
}

/// What can start the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Boot {
    /// Generations whose boot chain is complete.
    pub generations: Vec<Generation>,
    /// What a BIOS would start, in words; empty when it finds nothing.
    pub bios: String,
    /// Loaders on the EFI system partition.
    pub loaders: Vec<Loader>,
    /// What the loader starts when nobody chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<Entry>,
}

impl Boot {
    /// The loader that firmware starts on a machine that has never started this disk.
    #[must_use]
    pub fn removable_loader(&self) -> Option<&Loader> {
        self.loaders.iter().find(|loader| loader.is_removable())
    }
}

/// Looks at the firmware's side of the boot chain.
pub(super) fn firmware(disk: &Disk<'_>) -> Result<Boot, Error> {
    let mut boot = Boot { loaders: loader::all(disk)?, ..Boot::default() };
    if let Some(chain) = bios_chain(disk)? {
        boot.bios = chain;
        boot.generations.push(Generation::V1);
    }
    let is_windows = |loader: &Loader| loader.path.eq_ignore_ascii_case("/EFI/Microsoft/Boot/bootmgfw.efi");
    let starts = boot.loaders.iter().any(|loader| loader.is_removable() || is_windows(loader));
    if disk.table == TableKind::Gpt && starts {
        boot.generations.push(Generation::V2);
    }
    Ok(boot)
}

/// Where boot.img of GRUB keeps the sector of its core (grub-core/boot/i386/pc/boot.S).
const GRUB_KERNEL_SECTOR: usize = 0x5C;
/// Bytes of the MBR that are code.
const CODE_BYTES: usize = 440;

/// What a BIOS would run, in words.
fn bios_chain(disk: &Disk<'_>) -> Result<Option<String>, Error> {
    if disk.window().size_bytes() < 1024 {
        return Ok(None);
    }
    let record = disk.head(512)?;
    let code = record.get(..CODE_BYTES).unwrap_or_default();
    if all_zero(code) || record.get(510..512) != Some(&[0x55, 0xAA]) {
        return Ok(None);
    }
    if memchr::memmem::find(code, b"GRUB").is_some() {
        let sector = Fields::new("boot code", &record).le_u64(GRUB_KERNEL_SECTOR)?;
        let core = disk.window().part(sector.saturating_mul(512), 512);
        let core = core.map(|core| core.bytes(0, 512)).transpose()?;
        let is_there = sector > 0 && core.is_some_and(|core| !all_zero(&core));
        return Ok(is_there.then(|| format!("GRUB in the boot record, its core at sector {sector}")));
    }
    // Other boot code goes on with the boot sector of the partition that is marked active.
    for partition in disk.partitions.iter().filter(|partition| partition.active) {
        if let Some(words) = boot_sector(disk, partition)? {
            return Ok(Some(words));
        }
    }
    Ok(None)
}

fn boot_sector(disk: &Disk<'_>, partition: &Partition) -> Result<Option<String>, Error> {
    let Some(window) = disk.window().part(partition.first_byte, 512) else { return Ok(None) };
    let sector = window.bytes(0, 512)?;
    // File systems without a loader leave their code empty or print "not a bootable disk".
    let is_message = memchr::memmem::find(&sector, b"is not a bootable disk").is_some();
    if sector.get(510..512) != Some(&[0x55, 0xAA])
        || all_zero(sector.get(90..510).unwrap_or_default())
        || is_message
    {
        return Ok(None);
    }
    let kind = match &sector {
        sector if sector.get(3..7) == Some(b"NTFS") => "the Windows boot sector",
        sector if memchr::memmem::find(sector, b"LINUX").is_some() => "syslinux",
        _ => "a boot sector",
    };
    Ok(Some(format!("{kind} of partition {}", partition.number)))
}
