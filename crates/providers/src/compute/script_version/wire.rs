//! The JSON of a script version, as of 2026-03-03.

use crate::compute::artifact::wire::{PUBLISHING_PROFILE, REPLICATION_STATUS, SAFETY_PROFILE, joined};
use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("publishingProfile", Kind::Object(SCRIPT_PROFILE)),
    Field::new("safetyProfile", Kind::Object(SAFETY_PROFILE)),
    Field::new("replicationStatus", Kind::Object(REPLICATION_STATUS)).read_only(),
];

const SCRIPT_PROFILE: &[Field] =
    &joined::<{ PUBLISHING_PROFILE.len() + SCRIPT.len() }>(PUBLISHING_PROFILE, SCRIPT);

const SCRIPT: &[Field] = &[Field::new("source", Kind::Object(SOURCE))];

const SOURCE: &[Field] = &[
    // Kept without its query, so the rules compare it: clients send a fresh signature each time.
    Field::new("scriptLink", Kind::Text(8192)),
    Field::new("parameters", Kind::List(&Kind::Object(PARAMETER))).fixed(),
];

const PARAMETER: &[Field] = &[
    Field::new("name", Kind::Text(256)),
    Field::new("type", Kind::Choice(&["String", "Int", "Double", "Boolean", "Enum"])),
    Field::new("required", Kind::Bool),
    Field::new("defaultValue", Kind::Text(65_536)),
    Field::new("description", Kind::Text(4096)),
    Field::new("minValue", Kind::Text(64)),
    Field::new("maxValue", Kind::Text(64)),
    Field::new("enumValues", Kind::List(&Kind::Text(1024))),
];
