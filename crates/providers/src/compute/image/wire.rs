//! The JSON of a managed image, as of 2026-04-01.

use crate::shape::{Field, Kind};

/// Every published api-version of managed images, newest first.
pub(super) const API_VERSIONS: &[&str] = &[
    "2026-04-01",
    "2025-11-01",
    "2025-04-01",
    "2024-11-01",
    "2024-07-01",
    "2024-03-01",
    "2023-09-01",
    "2023-07-01",
    "2023-03-01",
    "2022-11-01",
    "2022-08-01",
    "2022-03-01",
    "2021-11-01",
    "2021-07-01",
    "2021-04-01",
    "2021-03-01",
    "2020-12-01",
    "2020-06-01",
    "2019-12-01",
    "2019-07-01",
    "2019-03-01",
    "2018-10-01",
    "2018-06-01",
    "2018-04-01",
    "2017-12-01",
    "2017-03-30",
];

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("sourceVirtualMachine", Kind::Object(ID)).fixed(),
    Field::new("storageProfile", Kind::Object(STORAGE_PROFILE)),
    Field::new("hyperVGeneration", Kind::Choice(&["V1", "V2"])).fixed(),
];

const ID: &[Field] = &[Field::new("id", Kind::Text(2048))];

const STORAGE_PROFILE: &[Field] = &[
    Field::new("osDisk", Kind::Object(OS_DISK)),
    // The rules compare them disk by disk.
    Field::new("dataDisks", Kind::List(&Kind::Object(DATA_DISK))),
    Field::new("zoneResilient", Kind::Bool).fixed(),
];

const OS_DISK: &[Field] = &[
    Field::new("osType", Kind::Choice(&["Windows", "Linux"])).fixed(),
    Field::new("osState", Kind::Choice(&["Generalized", "Specialized"])).fixed(),
    Field::new("snapshot", Kind::Object(ID)).fixed(),
    Field::new("managedDisk", Kind::Object(ID)).fixed(),
    // Kept without its query, so the rules compare it: clients send a fresh signature each time.
    Field::new("blobUri", Kind::Text(8192)),
    Field::new("caching", Kind::Choice(CACHING)).fixed(),
    Field::new("diskSizeGB", Kind::Integer(1, LARGEST_GB)).fixed(),
    Field::new("storageAccountType", Kind::Choice(STORAGE_ACCOUNT_TYPES)).fixed(),
    Field::new("diskEncryptionSet", Kind::Object(ID)).fixed(),
];

const DATA_DISK: &[Field] = &[
    Field::new("lun", Kind::Integer(0, 2_147_483_647)),
    Field::new("snapshot", Kind::Object(ID)),
    Field::new("managedDisk", Kind::Object(ID)),
    Field::new("blobUri", Kind::Text(8192)),
    Field::new("caching", Kind::Choice(CACHING)),
    Field::new("diskSizeGB", Kind::Integer(1, LARGEST_GB)),
    Field::new("storageAccountType", Kind::Choice(STORAGE_ACCOUNT_TYPES)),
    Field::new("diskEncryptionSet", Kind::Object(ID)),
];

const LARGEST_GB: i64 = 65_536;

const CACHING: &[&str] = &["None", "ReadOnly", "ReadWrite"];

const STORAGE_ACCOUNT_TYPES: &[&str] = &[
    "Standard_LRS",
    "Premium_LRS",
    "StandardSSD_LRS",
    "UltraSSD_LRS",
    "Premium_ZRS",
    "StandardSSD_ZRS",
    "PremiumV2_LRS",
];

pub(super) const ENVELOPE: &[Field] = &[Field::new(
    "extendedLocation",
    Kind::Object(&[Field::new("name", Kind::Text(64)), Field::new("type", Kind::Choice(&["EdgeZone"]))]),
)
.fixed()];
