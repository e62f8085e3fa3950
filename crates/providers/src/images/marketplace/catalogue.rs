//! The JSON of a catalogue, as a file has it and as rows keep it.
//!
//! Strict, so that a slip is told with its line and column: unknown members, names that are none, entries that stand
//! twice and members that contradict each other are refused where they stand.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use arm::{ResourceId, VersionName};
use jiff::Timestamp;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::name::{Name, VersionNumber};

/// A whole catalogue, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Each once.
    #[serde(deserialize_with = "distinct")]
    pub publishers: Vec<Publisher>,
}

/// Who offers images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// `Canonical`.
    pub name: Name,
    /// Each once.
    #[serde(default, deserialize_with = "distinct")]
    pub offers: Vec<Offer>,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// `ubuntu-24_04-lts`.
    pub name: Name,
    /// Each once.
    #[serde(default, deserialize_with = "distinct")]
    pub skus: Vec<Sku>,
}

/// A flavour of a product: one image in all its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct Sku {
    /// `server`.
    pub name: Name,
    /// The short name under which `az vm create --image` knows its latest version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Name>,
    /// The image definition it follows; it then has no versions of its own, and says nothing else of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<ResourceId>,
    /// The operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_type: Option<OsType>,
    /// The firmware its machines start from.
    #[serde(default, rename = "hyperVGeneration", skip_serializing_if = "Option::is_none")]
    pub generation: Option<Generation>,
    /// The processors it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// What it can do, in Azure's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// Whether scale sets may bring it up to date by themselves.
    #[serde(default, rename = "automaticOSUpgrade", skip_serializing_if = "std::ops::Not::not")]
    pub automatic_os_upgrade: bool,
    /// Whose terms have to be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Whether it is still offered; a version may say otherwise of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecation: Option<Deprecation>,
    /// Where the disks of its versions are published to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery: Option<Gallery>,
    /// Each once.
    #[serde(default, deserialize_with = "distinct", skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Version>,
}

/// A version of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct Version {
    /// `22.04.202401161`.
    pub name: VersionNumber,
    /// The gallery's version that has the bytes; without one there is only what is said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_version: Option<ResourceId>,
    /// A disk to be published, which then is its image version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
    /// Size of the system disk; that of the image version counts when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_in_bytes: Option<u64>,
    /// Data disks that come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_disks: Vec<DataDisk>,
    /// Whether it is still offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecation: Option<Deprecation>,
}

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum OsType {
    Linux,
    Windows,
}

/// Which firmware a machine starts from: BIOS or UEFI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Generation {
    V1,
    #[default]
    V2,
}

/// What processors run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Architecture {
    #[default]
    #[serde(rename = "x64")]
    X64,
    Arm64,
}

/// Something an image can do: `SecurityType`, `TrustedLaunchSupported`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Feature {
    pub name: String,
    pub value: String,
}

/// A plan of the SKU's publisher and offer, and where its terms are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Plan {
    pub name: Name,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub license_text_link: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub privacy_policy_link: String,
}

/// Whether an image is still offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deprecation {
    /// Where it stands.
    pub image_state: ImageState,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_deprecation_time: Option<Timestamp>,
    /// What to take instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative_option: Option<Alternative>,
}

/// Azure's words for where an image stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ImageState {
    #[default]
    Active,
    ScheduledForDeprecation,
    Deprecated,
}

/// An offer or a plan to take instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// Which of the two.
    #[serde(rename = "type")]
    pub kind: AlternativeKind,
    /// Its name.
    pub value: Name,
}

/// What is to be taken instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum AlternativeKind {
    Offer,
    Plan,
}

/// Where disks are published to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gallery {
    /// The group, made where missing.
    pub resource_group: Name,
    /// The gallery, made where missing.
    pub gallery: Name,
    /// The definition, made where missing; named after the SKU unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Name>,
    /// Regions to bring the versions to, with replica counts: `westeurope=2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_regions: Vec<String>,
}

/// A disk image beside the catalogue's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Disk {
    /// The file, relative to the catalogue's.
    pub file: String,
    /// raw, vhd, vhdx, qcow2 or vmdk.
    pub format: String,
    /// The number in the gallery; the version's own unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gallery_version: Option<VersionName>,
}

/// A data disk of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DataDisk {
    pub lun: u32,
    #[serde(default)]
    pub size_in_bytes: u64,
}

/// Longest text that is neither name nor number.
const LONGEST_TEXT: usize = 2_048;
const MOST_FEATURES: usize = 64;
const MOST_DATA_DISKS: usize = 64;

impl Sku {
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        let texts = self.features.iter().flat_map(|feature| [&feature.name, &feature.value]);
        let links = self.plan.iter().flat_map(|plan| [&plan.license_text_link, &plan.privacy_policy_link]);
        if texts.chain(links).any(|text| text.len() > LONGEST_TEXT) || self.features.len() > MOST_FEATURES {
            return Err(format!(
                "the SKU '{name}' has a text longer than {LONGEST_TEXT} bytes or more than {MOST_FEATURES} features"
            ));
        }
        let says = self.os_type.is_some()
            || self.generation.is_some()
            || self.architecture.is_some()
            || self.plan.is_some()
            || self.automatic_os_upgrade
            || !(self.features.is_empty() && self.versions.is_empty());
        match &self.definition {
            Some(_) if says || self.gallery.is_some() || self.deprecation.is_some() => Err(format!(
                "the SKU '{name}' follows a definition, which says all else: give only name, alias and definition"
            )),
            Some(id) if !id.type_name().is("Microsoft.Compute/galleries/images") => Err(format!(
                "the definition of the SKU '{name}' is '{id}', which is no id of an image definition"
            )),
            Some(_) => Ok(()),
            None if self.os_type.is_none() => {
                Err(format!("the SKU '{name}' needs an osType, Linux or Windows, or a definition to follow"))
            }
            None if self.architecture == Some(Architecture::Arm64)
                && self.generation == Some(Generation::V1) =>
            {
                Err(format!(
                    "the SKU '{name}' is Arm64 of generation V1; Arm64 machines start from UEFI (V2)"
                ))
            }
            None if self.gallery.is_none() && self.versions.iter().any(|version| version.disk.is_some()) => {
                Err(format!(
                    "the SKU '{name}' has versions with a disk; say under 'gallery' where they are published to"
                ))
            }
            None => Ok(()),
        }
    }
}

impl Version {
    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if self.disk.is_some() && self.image_version.is_some() {
            return Err(format!(
                "the version '{name}' has both a disk and an imageVersion; give one of them"
            ));
        }
        if self.data_disks.len() > MOST_DATA_DISKS {
            return Err(format!("the version '{name}' has more than {MOST_DATA_DISKS} data disks"));
        }
        match &self.image_version {
            Some(id) if !id.type_name().is("Microsoft.Compute/galleries/images/versions") => {
                Err(format!("the imageVersion of '{name}' is '{id}', which is no id of an image version"))
            }
            _ => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Sku {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sku = Self::deserialize(deserializer)?;
        sku.check().map(|()| sku).map_err(D::Error::custom)
    }
}

impl Serialize for Sku {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version = Self::deserialize(deserializer)?;
        version.check().map(|()| version).map_err(D::Error::custom)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// What has a name that no other in its list may have.
trait Named {
    fn key(&self) -> String;
}

macro_rules! named {
    ($($kind:ident),*) => {$(
        impl Named for $kind {
            fn key(&self) -> String {
                self.name.as_str().to_ascii_lowercase()
            }
        }
    )*};
}

named!(Publisher, Offer, Sku, Version);

/// A list in which no name stands twice, whatever the case.
fn distinct<'de, T: Deserialize<'de> + Named, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(Distinct(PhantomData))
}

struct Distinct<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Named> Visitor<'de> for Distinct<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let (mut list, mut keys) = (Vec::new(), HashSet::new());
        while let Some(item) = items.next_element::<T>()? {
            if !keys.insert(item.key()) {
                return Err(A::Error::custom(format!("'{}' stands twice in one list", item.key())));
            }
            list.push(item);
        }
        Ok(list)
    }
}
