//! How many resources of a kind a subscription may have in one region (azure-api 20).
//!
//! One table, one line per kind. A line may stand here before its type does; it is then never counted.

use std::collections::BTreeMap;

use arm::{Region, TypeName};

/// One kind that is counted.
#[derive(Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name in the operator's configuration.
    pub key: &'static str,
    /// Its name in Azure's usages.
    pub usage: &'static str,
    /// The same for people.
    pub shown: &'static str,
    /// The type whose resources count.
    pub type_name: &'static str,
    /// Azure's default.
    pub most: u64,
}

/// Every kind that is counted, in the order in which usages are listed.
pub const QUOTAS: &[Quota] = &[
    line("galleries", "Gallery", "Gallery", "Microsoft.Compute/galleries", 100),
    line("definitions", "GalleryImage", "Gallery Image", "Microsoft.Compute/galleries/images", 1_000),
    line(
        "versions",
        "GalleryImageVersion",
        "Gallery Image Version",
        "Microsoft.Compute/galleries/images/versions",
        10_000,
    ),
    line(
        "applications",
        "GalleryApplication",
        "Gallery Application",
        "Microsoft.Compute/galleries/applications",
        200,
    ),
    line(
        "application_versions",
        "GalleryApplicationVersion",
        "Gallery Application Version",
        "Microsoft.Compute/galleries/applications/versions",
        300,
    ),
    line("images", "ManagedImages", "Managed Images", "Microsoft.Compute/images", 50_000),
    line("disks", "Disks", "Managed Disks", "Microsoft.Compute/disks", 50_000),
    line("snapshots", "Snapshots", "Snapshots", "Microsoft.Compute/snapshots", 75_000),
    line(
        "disk_encryption_sets",
        "DiskEncryptionSets",
        "Disk Encryption Sets",
        "Microsoft.Compute/diskEncryptionSets",
        5_000,
    ),
    line(
        "virtual_machines",
        "virtualMachines",
        "Virtual Machines",
        "Microsoft.Compute/virtualMachines",
        25_000,
    ),
    line(
        "scale_sets",
        "virtualMachineScaleSets",
        "Virtual Machine Scale Sets",
        "Microsoft.Compute/virtualMachineScaleSets",
        2_500,
    ),
    line(
        "availability_sets",
        "availabilitySets",
        "Availability Sets",
        "Microsoft.Compute/availabilitySets",
        2_500,
    ),
];

const fn line(
    key: &'static str,
    usage: &'static str,
    shown: &'static str,
    type_name: &'static str,
    most: u64,
) -> Quota {
    Quota { key, usage, shown, type_name, most }
}

impl Quota {
    /// The quota under which resources of this type fall.
    #[must_use]
    pub fn of(kind: &TypeName) -> Option<&'static Self> {
        QUOTAS.iter().find(|quota| kind.is(quota.type_name))
    }

    /// The name of the counter for a subscription and a region.
    #[must_use]
    pub fn counter(&self, subscription: &str, region: &Region) -> String {
        format!("{}{}", Self::counters(subscription, region), self.type_name.to_ascii_lowercase())
    }

    /// What the names of all counters for a subscription and a region begin with.
    #[must_use]
    pub fn counters(subscription: &str, region: &Region) -> String {
        format!("{}/{region}/", subscription.to_ascii_lowercase())
    }
}

/// The limits of an installation: Azure's, and what its operator says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(BTreeMap<&'static str, u64>);

/// A limit of this name does not exist.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no limit '{name}'; there are: {}", known().join(", "))]
pub struct UnknownLimit {
    name: String,
}

fn known() -> Vec<&'static str> {
    QUOTAS.iter().map(|quota| quota.key).collect()
}

impl Limits {
    /// Azure's limits with `others` in their place, by [`Quota::key`].
    ///
    /// # Errors
    /// For a key that no quota has.
    pub fn with(others: &BTreeMap<String, u64>) -> Result<Self, UnknownLimit> {
        let read = |(name, most): (&String, &u64)| {
            let quota = QUOTAS.iter().find(|quota| quota.key == name);
            let quota = quota.ok_or_else(|| UnknownLimit { name: name.clone() })?;
            Ok((quota.key, *most))
        };
        others.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// How many resources may fall under `quota` in one subscription and region.
    #[must_use]
    pub fn most(&self, quota: &Quota) -> u64 {
        self.0.get(quota.key).copied().unwrap_or(quota.most)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Limits, QUOTAS, Quota};

    #[test]
    fn every_line_has_names_of_its_own() {
        for name in [|quota: &Quota| quota.key, |quota: &Quota| quota.usage, |quota: &Quota| quota.type_name]
        {
            assert_eq!(QUOTAS.iter().map(name).collect::<BTreeSet<_>>().len(), QUOTAS.len());
        }
    }

    #[test]
    fn the_operator_has_the_last_word() {
        let limits = Limits::with(&BTreeMap::from([("galleries".to_owned(), 3)])).unwrap();
        let most = |name: &str| limits.most(Quota::of(&name.into()).unwrap());
        assert_eq!(most("microsoft.compute/GALLERIES"), 3);
        assert_eq!(most("Microsoft.Compute/galleries/images"), 1_000);
        assert_eq!(Quota::of(&"Microsoft.Resources/resourceGroups".into()), None);
        let error = Limits::with(&BTreeMap::from([("colours".to_owned(), 3)])).unwrap_err();
        assert!(error.to_string().contains("'colours'; there are: galleries, definitions"), "{error}");
    }
}
