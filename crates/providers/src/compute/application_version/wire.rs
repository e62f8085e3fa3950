//! The JSON of an application version, as of 2026-03-03.

use crate::compute::application::CUSTOM_ACTIONS;
use crate::compute::artifact::wire::{PUBLISHING_PROFILE, REPLICATION_STATUS, SAFETY_PROFILE, joined};
use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("publishingProfile", Kind::Object(PACKAGE_PROFILE)),
    Field::new("safetyProfile", Kind::Object(SAFETY_PROFILE)),
    Field::new("replicationStatus", Kind::Object(REPLICATION_STATUS)).read_only(),
];

const PACKAGE_PROFILE: &[Field] =
    &joined::<{ PUBLISHING_PROFILE.len() + PACKAGE.len() }>(PUBLISHING_PROFILE, PACKAGE);

const PACKAGE: &[Field] = &[
    Field::new("source", Kind::Object(SOURCE)),
    Field::new("manageActions", Kind::Object(MANAGE_ACTIONS)).fixed(),
    Field::new("settings", Kind::Object(SETTINGS)).fixed(),
    Field::new("advancedSettings", Kind::Map(&Kind::Text(4096))).fixed(),
    Field::new("enableHealthCheck", Kind::Bool),
    Field::new("customActions", CUSTOM_ACTIONS).fixed(),
];

// Kept without their queries, so the rules compare them: clients send a fresh signature each time.
const SOURCE: &[Field] =
    &[Field::new("mediaLink", Kind::Text(8192)), Field::new("defaultConfigurationLink", Kind::Text(8192))];

const MANAGE_ACTIONS: &[Field] = &[
    Field::new("install", Kind::Text(65_536)),
    Field::new("remove", Kind::Text(65_536)),
    Field::new("update", Kind::Text(65_536)),
];

const SETTINGS: &[Field] = &[
    Field::new("packageFileName", Kind::Text(1024)),
    Field::new("configFileName", Kind::Text(1024)),
    Field::new("scriptBehaviorAfterReboot", Kind::Choice(&["None", "Rerun"])),
];
