//! The JSON of a gallery, as of 2026-03-03.

use super::sharing::GROUP;
use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("description", Kind::Text(4096)),
    Field::new("identifier", Kind::Object(&[Field::new("uniqueName", Kind::Text(260)).read_only()])),
    Field::new("sharingProfile", Kind::Object(SHARING_PROFILE)),
    Field::new("softDeletePolicy", Kind::Object(SOFT_DELETE_POLICY)),
    Field::new("sharingStatus", Kind::Object(SHARING_STATUS)).read_only(),
];

const SHARING_PROFILE: &[Field] = &[
    Field::new("permissions", Kind::Choice(&["Private", "Groups", "Community"])),
    Field::new("groups", Kind::List(&Kind::Object(GROUP))).read_only(),
    Field::new("communityGalleryInfo", Kind::Object(COMMUNITY_GALLERY_INFO)),
];

const COMMUNITY_GALLERY_INFO: &[Field] = &[
    Field::new("publisherUri", Kind::Text(2048)),
    Field::new("publisherContact", Kind::Text(1024)),
    Field::new("eula", Kind::Text(4096)),
    Field::new("publicNamePrefix", Kind::Text(64)),
    Field::new("communityGalleryEnabled", Kind::Bool).read_only(),
    Field::new("publicNames", Kind::List(&Kind::Text(128))).read_only(),
];

const SOFT_DELETE_POLICY: &[Field] = &[
    Field::new("isSoftDeleteEnabled", Kind::Bool),
    Field::new("retentionPeriodInDays", Kind::Integer(0, 36_500)),
    Field::new("gracePeriodInDays", Kind::Integer(0, 36_500)),
];

const SHARING_STATUS: &[Field] = &[
    Field::new("aggregatedState", Kind::Choice(SHARING_STATES)),
    Field::new("summary", Kind::List(&Kind::Object(REGIONAL_SHARING_STATUS))),
];

const REGIONAL_SHARING_STATUS: &[Field] = &[
    Field::new("region", Kind::Text(64)),
    Field::new("state", Kind::Choice(SHARING_STATES)),
    Field::new("details", Kind::Text(4096)),
];

const SHARING_STATES: &[&str] = &["Succeeded", "InProgress", "Failed", "Unknown"];

pub(super) const ENVELOPE: &[Field] = &[Field::new("identity", Kind::Object(IDENTITY))];

const IDENTITY: &[Field] = &[
    Field::new("principalId", Kind::Text(64)).read_only(),
    Field::new("tenantId", Kind::Text(64)).read_only(),
    Field::new(
        "type",
        Kind::Choice(&["None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned"]),
    ),
    Field::new("userAssignedIdentities", Kind::Map(&Kind::Object(USER_ASSIGNED_IDENTITY))),
];

const USER_ASSIGNED_IDENTITY: &[Field] = &[
    Field::new("principalId", Kind::Text(64)).read_only(),
    Field::new("clientId", Kind::Text(64)).read_only(),
];
