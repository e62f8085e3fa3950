//! The JSON of an access control profile version, as of 2026-03-03.

use crate::compute::artifact::wire::{REPLICATION_STATUS, TARGET_REGION};
use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("mode", Kind::Choice(&["Audit", "Enforce", "Disabled"])),
    Field::new("defaultAccess", Kind::Choice(&["Allow", "Deny"])),
    Field::new("rules", Kind::Object(RULES)),
    Field::new("targetLocations", Kind::List(&Kind::Object(TARGET_REGION))),
    Field::new("excludeFromLatest", Kind::Bool),
    Field::new("publishedDate", Kind::Time).read_only(),
    Field::new("replicationStatus", Kind::Object(REPLICATION_STATUS)).read_only(),
];

const RULES: &[Field] = &[
    Field::new("privileges", Kind::List(&Kind::Object(PRIVILEGE))),
    Field::new("roles", Kind::List(&Kind::Object(ROLE))),
    Field::new("identities", Kind::List(&Kind::Object(IDENTITY))),
    Field::new("roleAssignments", Kind::List(&Kind::Object(ROLE_ASSIGNMENT))),
];

const PRIVILEGE: &[Field] = &[
    Field::new("name", Kind::Text(256)),
    Field::new("path", Kind::Text(4096)),
    Field::new("queryParameters", Kind::Map(&Kind::Text(4096))),
];

const ROLE: &[Field] =
    &[Field::new("name", Kind::Text(256)), Field::new("privileges", Kind::List(&Kind::Text(256)))];

const IDENTITY: &[Field] = &[
    Field::new("name", Kind::Text(256)),
    Field::new("userName", Kind::Text(256)),
    Field::new("groupName", Kind::Text(256)),
    Field::new("exePath", Kind::Text(4096)),
    Field::new("processName", Kind::Text(256)),
];

const ROLE_ASSIGNMENT: &[Field] =
    &[Field::new("role", Kind::Text(256)), Field::new("identities", Kind::List(&Kind::Text(256)))];
