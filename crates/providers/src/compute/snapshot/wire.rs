//! The JSON of a snapshot, as of 2026-03-02.

use crate::compute::disk::wire::{
    CREATION_DATA, DISK_STATES, ENCRYPTION, ENCRYPTION_SETTINGS, EXTENDED_LOCATION, GENERATIONS, LARGEST_GB,
    NETWORK_ACCESS_POLICIES, OS_TYPES, PURCHASE_PLAN, SECURITY_PROFILE, SUPPORTED_CAPABILITIES,
};
use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("timeCreated", Kind::Time).read_only(),
    Field::new("osType", Kind::Choice(OS_TYPES)),
    Field::new("hyperVGeneration", Kind::Choice(GENERATIONS)).fixed(),
    Field::new("purchasePlan", Kind::Object(PURCHASE_PLAN)),
    Field::new("supportedCapabilities", Kind::Object(SUPPORTED_CAPABILITIES)),
    Field::new("creationData", Kind::Object(CREATION_DATA)).required(),
    Field::new("diskSizeGB", Kind::Integer(1, LARGEST_GB)),
    Field::new("diskSizeBytes", Kind::Integer(0, i64::MAX)).read_only(),
    Field::new("diskState", Kind::Choice(DISK_STATES)).read_only(),
    Field::new("uniqueId", Kind::Text(64)).read_only(),
    Field::new("encryptionSettingsCollection", Kind::Object(ENCRYPTION_SETTINGS)),
    Field::new("incremental", Kind::Bool).fixed(),
    Field::new("incrementalSnapshotFamilyId", Kind::Text(64)).read_only(),
    Field::new("encryption", Kind::Object(ENCRYPTION)),
    Field::new("networkAccessPolicy", Kind::Choice(NETWORK_ACCESS_POLICIES)),
    Field::new("diskAccessId", Kind::Text(2048)),
    Field::new("securityProfile", Kind::Object(SECURITY_PROFILE)),
    Field::new("supportsHibernation", Kind::Bool),
    Field::new("publicNetworkAccess", Kind::Choice(&["Enabled", "Disabled"])),
    Field::new("completionPercent", Kind::Any).read_only(),
    Field::new("copyCompletionError", Kind::Any).read_only(),
    Field::new("dataAccessAuthMode", Kind::Choice(&["AzureActiveDirectory", "None"])),
    Field::new("snapshotAccessState", Kind::Any).read_only(),
];

pub(super) const ENVELOPE: &[Field] = &[
    Field::new("managedBy", Kind::Text(2048)).read_only(),
    Field::new(
        "sku",
        Kind::Object(&[
            Field::new("name", Kind::Choice(&["Standard_LRS", "Premium_LRS", "Standard_ZRS"])),
            Field::new("tier", Kind::Text(16)).read_only(),
        ]),
    ),
    Field::new("extendedLocation", Kind::Object(EXTENDED_LOCATION)).fixed(),
];
