//! The file of sizes: JSON, read strictly, so that a slip of the operator's is told with its place.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Architecture, Confidential, DiskController, Family, Generation, Size, Sizes};

/// Most sizes of one file.
const MOST_SIZES: usize = 5_000;
/// Longest name of a size or a family.
const LONGEST_NAME: usize = 80;

/// Why a file of sizes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SizesError {
    /// It is no JSON, or not of this form; the message has line and column.
    #[error("the sizes are wrong: {0}")]
    Wrong(#[from] serde_json::Error),
    /// It is larger than such a file may be.
    #[error("the file is larger than {} bytes", Sizes::FILE_BYTES)]
    TooLarge,
    /// There are too many.
    #[error("there are {0} sizes; at most {MOST_SIZES} are read")]
    TooMany(usize),
    /// There are none.
    #[error("there is no size in it")]
    None,
    /// A name stands twice.
    #[error("the size '{0}' stands twice")]
    Twice(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    families: Vec<Family>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FamilyFile {
    name: String,
    architecture: Architecture,
    generations: Vec<Generation>,
    disk_controllers: Vec<DiskController>,
    #[serde(rename = "premiumIO")]
    premium_io: bool,
    accelerated_networking: bool,
    trusted_launch: bool,
    #[serde(default)]
    confidential: Option<Confidential>,
    #[serde(rename = "ephemeralOSDisk")]
    ephemeral_os_disk: bool,
    encryption_at_host: bool,
    #[serde(default)]
    hibernation: bool,
    #[serde(default)]
    spot: bool,
    sizes: Vec<Size>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SizeFile {
    name: String,
    #[serde(rename = "vCPUs")]
    vcpus: u32,
    #[serde(rename = "memoryMB")]
    memory_mb: u32,
    max_data_disks: u32,
    #[serde(default, rename = "resourceDiskMB")]
    resource_disk_mb: u32,
    max_nics: u32,
    #[serde(default)]
    gpus: u32,
}

impl TryFrom<FamilyFile> for Family {
    type Error = String;

    fn try_from(file: FamilyFile) -> Result<Self, String> {
        check_name(&file.name)?;
        let FamilyFile { name, generations, disk_controllers, sizes, .. } = file;
        if generations.is_empty() || disk_controllers.is_empty() || sizes.is_empty() {
            return Err(format!(
                "the family '{name}' needs at least one of generations, diskControllers and sizes"
            ));
        }
        let needs_uefi = file.trusted_launch
            || file.confidential.is_some()
            || file.architecture == Architecture::Arm64
            || disk_controllers.contains(&DiskController::Nvme);
        if needs_uefi && !generations.contains(&Generation::V2) {
            return Err(format!(
                "the family '{name}' is Arm64, confidential, of trusted launch or has NVMe disks, which only machines of generation V2 are"
            ));
        }
        Ok(Self {
            name,
            architecture: file.architecture,
            generations,
            disk_controllers,
            premium_io: file.premium_io,
            accelerated_networking: file.accelerated_networking,
            trusted_launch: file.trusted_launch,
            confidential: file.confidential,
            ephemeral_os_disk: file.ephemeral_os_disk,
            encryption_at_host: file.encryption_at_host,
            hibernation: file.hibernation,
            spot: file.spot,
            sizes,
        })
    }
}

impl TryFrom<SizeFile> for Size {
    type Error = String;

    fn try_from(file: SizeFile) -> Result<Self, String> {
        let SizeFile { name, vcpus, memory_mb, max_data_disks, resource_disk_mb, max_nics, gpus } = file;
        check_name(&name)?;
        for (value, what, least, most) in [
            (vcpus, "vCPUs", 1, 4_096),
            (memory_mb, "memoryMB", 64, 1 << 26),
            (max_data_disks, "maxDataDisks", 0, 1_024),
            (resource_disk_mb, "resourceDiskMB", 0, 1 << 30),
            (max_nics, "maxNics", 1, 64),
            (gpus, "gpus", 0, 64),
        ] {
            if !(least..=most).contains(&value) {
                return Err(format!("{what} of the size '{name}' is {value}; it is from {least} to {most}"));
            }
        }
        Ok(Self { name, vcpus, memory_mb, max_data_disks, resource_disk_mb, max_nics, gpus })
    }
}

pub(super) fn parse(text: &str) -> Result<Sizes, SizesError> {
    if u64::try_from(text.len()).is_ok_and(|length| length > Sizes::FILE_BYTES) {
        return Err(SizesError::TooLarge);
    }
    let File { families } = serde_json::from_str(text)?;
    let mut places = HashMap::new();
    for (at_family, family) in families.iter().enumerate() {
        for (at_size, size) in family.sizes.iter().enumerate() {
            if places.insert(size.name.to_ascii_lowercase(), (at_family, at_size)).is_some() {
                return Err(SizesError::Twice(size.name.clone()));
            }
        }
    }
    match places.len() {
        0 => Err(SizesError::None),
        count if count > MOST_SIZES => Err(SizesError::TooMany(count)),
        _ => Ok(Sizes { families, places }),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(plain) {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
        return Err(format!(
            "the name '{shown}' is invalid; it holds 1 to {LONGEST_NAME} letters, digits, '_', '-' and '.'"
        ));
    }
    Ok(())
}
