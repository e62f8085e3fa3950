//! The JSON of a disk, as of 2026-03-02; what snapshots share of it is used there.

use crate::Action;
use crate::shape::{Field, Kind};

/// Every published api-version of the disk provider, newest first.
pub(crate) const API_VERSIONS: &[&str] = &[
    "2026-03-02",
    "2025-01-02",
    "2024-03-02",
    "2023-10-02",
    "2023-04-02",
    "2023-01-02",
    "2022-07-02",
    "2022-03-02",
    "2021-12-01",
    "2021-08-01",
    "2021-04-01",
    "2020-12-01",
    "2020-09-30",
    "2020-06-30",
    "2020-05-01",
    "2019-11-01",
    "2019-07-01",
    "2019-03-01",
    "2018-09-30",
    "2018-06-01",
    "2018-04-01",
    "2017-03-30",
];

/// Largest whole-GiB size: 64 TiB.
pub(crate) const LARGEST_GB: i64 = 65_536;
/// Smallest upload: 20 MiB and a footer (`CreationData.uploadSizeBytes`).
pub(crate) const SMALLEST_UPLOAD_BYTES: i64 = 20_972_032;
/// Largest upload: 32 TiB and a footer.
pub(crate) const LARGEST_UPLOAD_BYTES: i64 = 35_184_372_089_344;
/// How long a grant may last: sixty days.
pub(crate) const LONGEST_GRANT_SECONDS: i64 = 60 * 24 * 3600;

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("timeCreated", Kind::Time).read_only(),
    Field::new("osType", Kind::Choice(OS_TYPES)),
    Field::new("hyperVGeneration", Kind::Choice(GENERATIONS)).fixed(),
    Field::new("purchasePlan", Kind::Object(PURCHASE_PLAN)),
    Field::new("supportedCapabilities", Kind::Object(SUPPORTED_CAPABILITIES)),
    Field::new("creationData", Kind::Object(CREATION_DATA)).required(),
    Field::new("diskSizeGB", Kind::Integer(1, LARGEST_GB)),
    Field::new("diskSizeBytes", Kind::Integer(0, i64::MAX)).read_only(),
    Field::new("uniqueId", Kind::Text(64)).read_only(),
    Field::new("encryptionSettingsCollection", Kind::Object(ENCRYPTION_SETTINGS)),
    Field::new("diskIOPSReadWrite", Kind::Integer(1, 1_000_000)),
    Field::new("diskMBpsReadWrite", Kind::Integer(1, 1_000_000)),
    Field::new("diskIOPSReadOnly", Kind::Integer(1, 1_000_000)),
    Field::new("diskMBpsReadOnly", Kind::Integer(1, 1_000_000)),
    Field::new("diskState", Kind::Choice(DISK_STATES)).read_only(),
    Field::new("encryption", Kind::Object(ENCRYPTION)),
    Field::new("maxShares", Kind::Integer(1, 15)),
    Field::new("shareInfo", Kind::List(&Kind::Any)).read_only(),
    Field::new("networkAccessPolicy", Kind::Choice(NETWORK_ACCESS_POLICIES)),
    Field::new("diskAccessId", Kind::Text(2048)),
    Field::new("burstingEnabledTime", Kind::Time).read_only(),
    Field::new("tier", Kind::Text(16)),
    Field::new("burstingEnabled", Kind::Bool),
    Field::new("propertyUpdatesInProgress", Kind::Any).read_only(),
    Field::new("supportsHibernation", Kind::Bool),
    Field::new("securityProfile", Kind::Object(SECURITY_PROFILE)),
    Field::new("completionPercent", Kind::Any).read_only(),
    Field::new("publicNetworkAccess", Kind::Choice(&["Enabled", "Disabled"])),
    Field::new("dataAccessAuthMode", Kind::Choice(&["AzureActiveDirectory", "None"])),
    Field::new("optimizedForFrequentAttach", Kind::Bool),
    Field::new("LastOwnershipUpdateTime", Kind::Time).read_only(),
    Field::new("availabilityPolicy", Kind::Object(AVAILABILITY_POLICY)),
];

pub(crate) const OS_TYPES: &[&str] = &["Windows", "Linux"];
pub(crate) const GENERATIONS: &[&str] = &["V1", "V2"];
pub(crate) const NETWORK_ACCESS_POLICIES: &[&str] = &["AllowAll", "AllowPrivate", "DenyAll"];

pub(crate) const DISK_STATES: &[&str] = &[
    "Unattached",
    "Attached",
    "Reserved",
    "Frozen",
    "ActiveSAS",
    "ActiveSASFrozen",
    "ReadyToUpload",
    "ActiveUpload",
];

pub(crate) const PURCHASE_PLAN: &[Field] = &[
    Field::new("name", Kind::Text(128)),
    Field::new("publisher", Kind::Text(128)),
    Field::new("product", Kind::Text(128)),
    Field::new("promotionCode", Kind::Text(128)),
];

pub(crate) const SUPPORTED_CAPABILITIES: &[Field] = &[
    Field::new("diskControllerTypes", Kind::Text(64)),
    Field::new("acceleratedNetwork", Kind::Bool),
    Field::new("architecture", Kind::Choice(&["x64", "Arm64"])),
    Field::new(
        "supportedSecurityOption",
        Kind::Choice(&["TrustedLaunchSupported", "TrustedLaunchAndConfidentialVMSupported"]),
    ),
];

pub(crate) const CREATION_DATA: &[Field] = &[
    Field::new("createOption", Kind::Choice(CREATE_OPTIONS)).fixed().required(),
    Field::new("storageAccountId", Kind::Text(2048)).fixed(),
    Field::new("imageReference", Kind::Object(IMAGE_DISK_REFERENCE)).fixed(),
    Field::new("galleryImageReference", Kind::Object(IMAGE_DISK_REFERENCE)).fixed(),
    // Kept without its query, so the rules compare it: clients send a fresh signature each time.
    Field::new("sourceUri", Kind::Text(8192)),
    Field::new("sourceResourceId", Kind::Text(2048)).fixed(),
    Field::new("sourceUniqueId", Kind::Text(64)).read_only(),
    Field::new("uploadSizeBytes", Kind::Integer(SMALLEST_UPLOAD_BYTES, LARGEST_UPLOAD_BYTES)).fixed(),
    Field::new("logicalSectorSize", Kind::Integer(512, 4096)).fixed(),
    Field::new("securityDataUri", Kind::Text(8192)).fixed(),
    Field::new("securityMetadataUri", Kind::Text(8192)).fixed(),
    Field::new("performancePlus", Kind::Bool).fixed(),
    Field::new("elasticSanResourceId", Kind::Text(2048)).fixed(),
    Field::new("provisionedBandwidthCopySpeed", Kind::Choice(&["None", "Enhanced"])),
    Field::new("instantAccessDurationMinutes", Kind::Integer(1, i64::MAX)).fixed(),
];

const CREATE_OPTIONS: &[&str] = &[
    "Empty",
    "Attach",
    "FromImage",
    "Import",
    "Copy",
    "Restore",
    "Upload",
    "CopyStart",
    "ImportSecure",
    "UploadPreparedSecure",
    "CopyFromSanSnapshot",
];

const IMAGE_DISK_REFERENCE: &[Field] = &[
    Field::new("id", Kind::Text(2048)),
    Field::new("sharedGalleryImageId", Kind::Text(2048)),
    Field::new("communityGalleryImageId", Kind::Text(2048)),
    Field::new("lun", Kind::Integer(0, 2_147_483_647)),
];

pub(crate) const ENCRYPTION_SETTINGS: &[Field] = &[
    Field::new("enabled", Kind::Bool),
    Field::new("encryptionSettings", Kind::List(&Kind::Object(ENCRYPTION_SETTING))),
    Field::new("encryptionSettingsVersion", Kind::Text(16)),
];

const ENCRYPTION_SETTING: &[Field] = &[
    Field::new(
        "diskEncryptionKey",
        Kind::Object(&[
            Field::new("sourceVault", Kind::Object(ID)),
            Field::new("secretUrl", Kind::Text(2048)),
        ]),
    ),
    Field::new(
        "keyEncryptionKey",
        Kind::Object(&[Field::new("sourceVault", Kind::Object(ID)), Field::new("keyUrl", Kind::Text(2048))]),
    ),
];

const ID: &[Field] = &[Field::new("id", Kind::Text(2048))];

pub(crate) const ENCRYPTION: &[Field] = &[
    Field::new("diskEncryptionSetId", Kind::Text(2048)),
    Field::new(
        "type",
        Kind::Choice(&[
            "EncryptionAtRestWithPlatformKey",
            "EncryptionAtRestWithCustomerKey",
            "EncryptionAtRestWithPlatformAndCustomerKeys",
        ]),
    ),
];

pub(crate) const SECURITY_PROFILE: &[Field] = &[
    Field::new(
        "securityType",
        Kind::Choice(&[
            "TrustedLaunch",
            "ConfidentialVM_VMGuestStateOnlyEncryptedWithPlatformKey",
            "ConfidentialVM_DiskEncryptedWithPlatformKey",
            "ConfidentialVM_DiskEncryptedWithCustomerKey",
            "ConfidentialVM_NonPersistedTPM",
        ]),
    ),
    Field::new("secureVMDiskEncryptionSetId", Kind::Text(2048)),
    Field::new("confidentialVMVersion", Kind::Text(32)),
];

const AVAILABILITY_POLICY: &[Field] =
    &[Field::new("actionOnDiskDelay", Kind::Choice(&["None", "AutomaticReattach"]))];

pub(super) const ENVELOPE: &[Field] = &[
    Field::new("managedBy", Kind::Text(2048)).read_only(),
    Field::new("managedByExtended", Kind::List(&Kind::Text(2048))).read_only(),
    Field::new(
        "sku",
        Kind::Object(&[
            Field::new(
                "name",
                Kind::Choice(&[
                    "Standard_LRS",
                    "Premium_LRS",
                    "StandardSSD_LRS",
                    "UltraSSD_LRS",
                    "Premium_ZRS",
                    "StandardSSD_ZRS",
                    "PremiumV2_LRS",
                ]),
            ),
            Field::new("tier", Kind::Text(16)).read_only(),
        ]),
    ),
    Field::new("zones", Kind::List(&Kind::Text(16))).fixed(),
    Field::new("extendedLocation", Kind::Object(EXTENDED_LOCATION)).fixed(),
];

pub(crate) const EXTENDED_LOCATION: &[Field] =
    &[Field::new("name", Kind::Text(64)), Field::new("type", Kind::Choice(&["EdgeZone"]))];

/// What can be asked of a disk and of a snapshot.
pub(crate) const ACTIONS: &[Action] =
    &[Action { name: BEGIN, body: GRANT_ACCESS }, Action { name: END, body: &[] }];

pub(crate) const BEGIN: &str = "beginGetAccess";
pub(crate) const END: &str = "endGetAccess";

const GRANT_ACCESS: &[Field] = &[
    Field::new("access", Kind::Choice(&["None", "Read", "Write"])),
    Field::new("durationInSeconds", Kind::Integer(1, LONGEST_GRANT_SECONDS)),
    Field::new("getSecureVMGuestStateSAS", Kind::Bool),
    Field::new("fileFormat", Kind::Choice(&["VHD", "VHDX"])),
];
