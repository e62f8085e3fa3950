//! The sizes of machines: what each can be given and what it runs.
//!
//! A table, built in and replaceable by the operator. A size is named once, whatever the case, and what a family says
//! of itself is possible: a confidential or an Arm64 machine starts from UEFI.

mod disk_skus;
mod file;
mod sku;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Deserialize;

pub use self::disk_skus::DISK_SKUS;
pub use self::file::SizesError;
pub use self::sku::{DiskSku, size_of, sku_of};

/// Every size there is.
#[derive(Clone, Debug)]
pub struct Sizes {
    families: Vec<Family>,
    /// Where a size stands, by its name in lower case.
    places: HashMap<String, (usize, usize)>,
}

/// Sizes that differ only in how much of everything they have.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "file::FamilyFile")]
pub struct Family {
    /// `standardDSv5Family`.
    pub name: String,
    /// What the processors run.
    pub architecture: Architecture,
    /// The firmware its machines start from; at least one.
    pub generations: Vec<Generation>,
    /// How disks are attached; at least one.
    pub disk_controllers: Vec<DiskController>,
    /// Whether disks of class Premium may be attached.
    pub premium_io: bool,
    /// Whether network cards may bypass the host.
    pub accelerated_networking: bool,
    /// Whether machines may have secure boot and a TPM.
    pub trusted_launch: bool,
    /// How memory is kept from the host, if it is.
    pub confidential: Option<Confidential>,
    /// Whether the system disk may live on the host alone.
    pub ephemeral_os_disk: bool,
    /// Whether disks may be encrypted on the host.
    pub encryption_at_host: bool,
    /// Whether machines may be hibernated.
    pub hibernation: bool,
    /// Whether there are spot machines.
    pub spot: bool,
    /// From small to large; at least one.
    pub sizes: Vec<Size>,
}

/// One size.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "file::SizeFile")]
pub struct Size {
    /// `Standard_D2s_v5`.
    pub name: String,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mb: u32,
    /// Data disks that may be attached.
    pub max_data_disks: u32,
    /// The host's temporary disk in MiB; 0 without one.
    pub resource_disk_mb: u32,
    /// Network cards that may be attached.
    pub max_nics: u32,
    /// Graphics processors.
    pub gpus: u32,
}

/// What processors run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Architecture {
    /// AMD and Intel.
    #[serde(rename = "x64")]
    X64,
    /// Arm.
    Arm64,
}

/// Which firmware a machine starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Generation {
    /// BIOS.
    V1,
    /// UEFI.
    V2,
}

/// How disks are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum DiskController {
    /// SCSI.
    #[serde(rename = "SCSI")]
    Scsi,
    /// NVM Express.
    #[serde(rename = "NVMe")]
    Nvme,
}

/// How memory is kept from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Confidential {
    /// AMD SEV-SNP.
    #[serde(rename = "SNP")]
    Snp,
    /// Intel TDX.
    #[serde(rename = "TDX")]
    Tdx,
}

impl Sizes {
    /// Most bytes of an operator's file.
    pub const FILE_BYTES: u64 = 4 << 20;

    /// The sizes of this release.
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse(include_str!("default.json")).expect("the built-in sizes are tested")
    }

    /// Reads a file of sizes.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn parse(text: &str) -> Result<Self, SizesError> {
        file::parse(text)
    }

    /// The size of that name, in any case, and its family.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(&Family, &Size)> {
        let (family, size) = self.places.get(&name.to_ascii_lowercase())?;
        let family = &self.families[*family];
        Some((family, &family.sizes[*size]))
    }

    /// Every size with its family, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&Family, &Size)> {
        self.families.iter().flat_map(|family| family.sizes.iter().map(move |size| (family, size)))
    }
}
