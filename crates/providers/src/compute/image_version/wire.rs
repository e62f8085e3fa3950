//! The JSON of an image version, as of 2026-03-03.

use crate::compute::artifact::wire::{PUBLISHING_PROFILE, REPLICATION_STATUS};
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
