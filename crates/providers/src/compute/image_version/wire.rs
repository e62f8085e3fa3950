//! The JSON of an image version, as of 2026-03-03.

use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("publishingProfile", Kind::Object(PUBLISHING_PROFILE)),
    Field::new("storageProfile", Kind::Object(STORAGE_PROFILE)),
    Field::new("safetyProfile", Kind::Object(SAFETY_PROFILE)),
    Field::new("securityProfile", Kind::Object(SECURITY_PROFILE)),
    Field::new("restore", Kind::Bool).directive(),
    Field::new("replicationStatus", Kind::Object(REPLICATION_STATUS)).read_only(),
    Field::new("validationsProfile", Kind::Object(VALIDATIONS_PROFILE)).read_only(),
    Field::new("imageMetadataProfiles", Kind::List(&Kind::Object(IMAGE_METADATA_PROFILE))).read_only(),
];

const PUBLISHING_PROFILE: &[Field] = &[
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

const TARGET_REGION: &[Field] = &[
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

const STORAGE_PROFILE: &[Field] = &[
    Field::new("source", Kind::Object(WHOLE_SOURCE)),
    Field::new("osDiskImage", Kind::Object(OS_DISK_IMAGE)),
    // The rules compare them disk by disk.
    Field::new("dataDiskImages", Kind::List(&Kind::Object(DATA_DISK_IMAGE))),
];

const WHOLE_SOURCE: &[Field] = &[
    Field::new("id", Kind::Text(2048)).fixed(),
    Field::new("communityGalleryImageId", Kind::Text(2048)).fixed(),
    Field::new("virtualMachineId", Kind::Text(2048)).fixed(),
];

const OS_DISK_IMAGE: &[Field] = &[
    Field::new("sizeInGB", Kind::Integer(0, i64::MAX)).read_only(),
    Field::new("hostCaching", Kind::Choice(HOST_CACHING)).fixed(),
    Field::new("source", Kind::Object(DISK_SOURCE)),
];

const DATA_DISK_IMAGE: &[Field] = &[
    Field::new("lun", Kind::Integer(0, 2_147_483_647)),
    Field::new("sizeInGB", Kind::Integer(0, i64::MAX)).read_only(),
    Field::new("hostCaching", Kind::Choice(HOST_CACHING)),
    Field::new("source", Kind::Object(DISK_SOURCE)),
];

const HOST_CACHING: &[&str] = &["None", "ReadOnly", "ReadWrite"];

const DISK_SOURCE: &[Field] = &[
    Field::new("id", Kind::Text(2048)).fixed(),
    // Kept without its query, so the rules compare it: clients send a fresh signature each time.
    Field::new("uri", Kind::Text(8192)),
    Field::new("storageAccountId", Kind::Text(2048)).fixed(),
];

const SAFETY_PROFILE: &[Field] = &[
    Field::new("reportedForPolicyViolation", Kind::Bool).read_only(),
    Field::new("policyViolations", Kind::List(&Kind::Object(POLICY_VIOLATION))).read_only(),
    Field::new("allowDeletionOfReplicatedLocations", Kind::Bool),
    Field::new("blockDeletionBeforeEndOfLife", Kind::Bool),
];

const POLICY_VIOLATION: &[Field] = &[
    Field::new("category", Kind::Choice(&["Other", "ImageFlaggedUnsafe", "CopyrightValidation", "IpTheft"])),
    Field::new("details", Kind::Text(4096)),
];

const SECURITY_PROFILE: &[Field] = &[
    Field::new("uefiSettings", Kind::Object(UEFI_SETTINGS)).fixed(),
    Field::new("secretsProvisioningSettings", Kind::Object(SECRETS_PROVISIONING_SETTINGS)).fixed(),
];

const UEFI_SETTINGS: &[Field] = &[
    Field::new("signatureTemplateNames", Kind::List(&Kind::Choice(SIGNATURE_TEMPLATES))),
    Field::new("additionalSignatures", Kind::Object(UEFI_SIGNATURES)),
];

const SIGNATURE_TEMPLATES: &[&str] =
    &["NoSignatureTemplate", "MicrosoftUefiCertificateAuthorityTemplate", "MicrosoftWindowsTemplate"];

const UEFI_SIGNATURES: &[Field] = &[
    Field::new("pk", Kind::Object(UEFI_KEY)),
    Field::new("kek", Kind::List(&Kind::Object(UEFI_KEY))),
    Field::new("db", Kind::List(&Kind::Object(UEFI_KEY))),
    Field::new("dbx", Kind::List(&Kind::Object(UEFI_KEY))),
];

const UEFI_KEY: &[Field] = &[
    Field::new("type", Kind::Choice(&["sha256", "x509"])),
    Field::new("value", Kind::List(&Kind::Text(65_536))),
];

const SECRETS_PROVISIONING_SETTINGS: &[Field] = &[
    Field::new("isSupported", Kind::Bool),
    Field::new("osName", Kind::Text(128)),
    Field::new("components", Kind::List(&Kind::Object(SECRETS_PROVISIONING_COMPONENT))),
];

const SECRETS_PROVISIONING_COMPONENT: &[Field] = &[
    Field::new("name", Kind::Choice(&["OS", "CloudInit", "AzureGuestAgent", "SecretsProvisioningLibrary"])),
    Field::new("version", Kind::Text(128)),
];

const REPLICATION_STATUS: &[Field] = &[
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

const VALIDATIONS_PROFILE: &[Field] = &[
    Field::new("validationEtag", Kind::Text(128)),
    Field::new("executedValidations", Kind::List(&Kind::Object(EXECUTED_VALIDATION))),
    Field::new("platformAttributes", Kind::List(&Kind::Object(PLATFORM_ATTRIBUTE))),
];

const EXECUTED_VALIDATION: &[Field] = &[
    Field::new("type", Kind::Text(128)),
    Field::new("status", Kind::Choice(&["Unknown", "Failed", "Succeeded"])),
    Field::new("version", Kind::Text(128)),
    Field::new("executionTime", Kind::Time),
];

const PLATFORM_ATTRIBUTE: &[Field] =
    &[Field::new("name", Kind::Text(256)), Field::new("value", Kind::Text(4096))];

const IMAGE_METADATA_PROFILE: &[Field] = &[
    Field::new(
        "type",
        Kind::Choice(&["SecretsProvisioningImageMetadata", "UserProvidedSecretsProvisioningMetadata"]),
    ),
    Field::new("publicMetadataList", Kind::List(&Kind::Object(METADATA))),
    Field::new("internalMetadataList", Kind::List(&Kind::Object(METADATA))),
];

const METADATA: &[Field] =
    &[Field::new("metadataKey", Kind::Text(256)), Field::new("metadataValue", Kind::Text(4096))];
