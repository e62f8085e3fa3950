//! The members that versions share, as of 2026-03-03.

use crate::shape::{Field, Kind};

/// Where and how a version is published.
pub(in crate::compute) const PUBLISHING_PROFILE: &[Field] = &[
    Field::new("targetRegions", Kind::List(&Kind::Object(TARGET_REGION))),
    Field::new("replicaCount", Kind::Integer(1, 100)),
    Field::new("excludeFromLatest", Kind::Bool),
    Field::new("publishedDate", Kind::Time).read_only(),
    Field::new("endOfLifeDate", Kind::Time),
    Field::new("storageAccountType", Kind::Choice(STORAGE_ACCOUNT_TYPES)).fixed(),
    Field::new("storageAccountStrategy", Kind::Choice(&["PreferStandard_ZRS", "DefaultStandard_LRS"]))
        .fixed(),
    // Fixed too, but saying "Full" later is no change: the rules compare it.
    Field::new("replicationMode", Kind::Choice(&["Full", "Shallow"])),
    Field::new("targetExtendedLocations", Kind::List(&Kind::Object(TARGET_EXTENDED_LOCATION))),
];

const STORAGE_ACCOUNT_TYPES: &[&str] = &["Standard_LRS", "Standard_ZRS", "Premium_LRS", "PremiumV2_LRS"];

/// A region that a version should be in.
pub(in crate::compute) const TARGET_REGION: &[Field] = &[
    Field::new("name", Kind::Text(64)),
    Field::new("regionalReplicaCount", Kind::Integer(1, 100)),
    Field::new("storageAccountType", Kind::Choice(STORAGE_ACCOUNT_TYPES)),
    Field::new("encryption", Kind::Object(ENCRYPTION)),
    Field::new("excludeFromLatest", Kind::Bool),
    Field::new("additionalReplicaSets", Kind::List(&Kind::Object(ADDITIONAL_REPLICA_SET))),
];

const ADDITIONAL_REPLICA_SET: &[Field] = &[
    Field::new("storageAccountType", Kind::Choice(STORAGE_ACCOUNT_TYPES)),
    Field::new("regionalReplicaCount", Kind::Integer(1, 100)),
];

const ENCRYPTION: &[Field] = &[
    Field::new("osDiskImage", Kind::Object(OS_DISK_ENCRYPTION)),
    Field::new("dataDiskImages", Kind::List(&Kind::Object(DATA_DISK_ENCRYPTION))),
];

const OS_DISK_ENCRYPTION: &[Field] = &[
    Field::new("diskEncryptionSetId", Kind::Text(2048)),
    Field::new("securityProfile", Kind::Object(DISK_SECURITY_PROFILE)),
];

const DATA_DISK_ENCRYPTION: &[Field] = &[
    Field::new("lun", Kind::Integer(0, 2_147_483_647)),
    Field::new("diskEncryptionSetId", Kind::Text(2048)),
    Field::new("securityProfile", Kind::Object(DISK_SECURITY_PROFILE)),
];

const DISK_SECURITY_PROFILE: &[Field] = &[
    Field::new(
        "confidentialVMEncryptionType",
        Kind::Choice(&[
            "EncryptedVMGuestStateOnlyWithPmk",
            "EncryptedWithPmk",
            "EncryptedWithCmk",
            "NonPersistedTPM",
            "DataDiskEncryptedWithCmk",
        ]),
    ),
    Field::new("secureVMDiskEncryptionSetId", Kind::Text(2048)),
];

const TARGET_EXTENDED_LOCATION: &[Field] = &[
    Field::new("name", Kind::Text(64)),
    Field::new("extendedLocation", Kind::Object(EXTENDED_LOCATION)),
    Field::new("extendedLocationReplicaCount", Kind::Integer(1, 100)),
    Field::new(
        "storageAccountType",
        Kind::Choice(&["Standard_LRS", "Standard_ZRS", "StandardSSD_LRS", "Premium_LRS"]),
    ),
    Field::new("encryption", Kind::Object(ENCRYPTION)),
];

const EXTENDED_LOCATION: &[Field] =
    &[Field::new("name", Kind::Text(64)), Field::new("type", Kind::Choice(&["EdgeZone", "Unknown"]))];

/// How far the copies are.
pub(in crate::compute) const REPLICATION_STATUS: &[Field] = &[
    Field::new("aggregatedState", Kind::Choice(&["Unknown", "InProgress", "Completed", "Failed"])),
    Field::new("summary", Kind::List(&Kind::Object(REGIONAL_REPLICATION_STATUS))),
];

const REGIONAL_REPLICATION_STATUS: &[Field] = &[
    Field::new("region", Kind::Text(64)),
    Field::new("state", Kind::Choice(&["Unknown", "Replicating", "Completed", "Failed"])),
    Field::new("details", Kind::Text(4096)),
    Field::new("progress", Kind::Integer(0, 100)),
    Field::new("bytesDone", Kind::Integer(0, i64::MAX)),
    Field::new("bytesTotal", Kind::Integer(0, i64::MAX)),
    Field::new("etaSeconds", Kind::Integer(0, i64::MAX)),
];

/// Of versions that promise nothing but this.
pub(in crate::compute) const SAFETY_PROFILE: &[Field] =
    &[Field::new("allowDeletionOfReplicatedLocations", Kind::Bool)];

/// Two lists of members as one; `N` is how many they are together.
pub(in crate::compute) const fn joined<const N: usize>(first: &[Field], then: &[Field]) -> [Field; N] {
    assert!(first.len() + then.len() == N, "N is how many they are together");
    let mut all = [first[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() { first[at] } else { then[at - first.len()] };
        at += 1;
    }
    all
}
