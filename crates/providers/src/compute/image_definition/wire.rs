//! The JSON of an image definition, as of 2026-03-03.

use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("description", Kind::Text(4096)),
    Field::new("eula", Kind::Text(4096)),
    Field::new("privacyStatementUri", Kind::Text(2048)),
    Field::new("releaseNoteUri", Kind::Text(2048)),
    Field::new("osType", Kind::Choice(&["Windows", "Linux"])).fixed().required(),
    Field::new("osState", Kind::Choice(&["Generalized", "Specialized"])).fixed().required(),
    Field::new("hyperVGeneration", Kind::Choice(&["V1", "V2"])).fixed(),
    Field::new("architecture", Kind::Choice(&["x64", "Arm64"])).fixed(),
    Field::new("endOfLifeDate", Kind::Time),
    Field::new("identifier", Kind::Object(IDENTIFIER)).required(),
    Field::new("recommended", Kind::Object(RECOMMENDED)),
    Field::new("disallowed", Kind::Object(DISALLOWED)),
    Field::new("purchasePlan", Kind::Object(PURCHASE_PLAN)).fixed(),
    Field::new("features", Kind::List(&Kind::Object(FEATURE))),
    Field::new("allowUpdateImage", Kind::Bool).directive(),
];

/// The rules know the real limits and say them in Azure's words.
const IDENTIFIER: &[Field] = &[
    Field::new("publisher", Kind::Text(1024)).fixed().required(),
    Field::new("offer", Kind::Text(1024)).fixed().required(),
    Field::new("sku", Kind::Text(1024)).fixed().required(),
];

const RECOMMENDED: &[Field] =
    &[Field::new("vCPUs", Kind::Object(RANGE)), Field::new("memory", Kind::Object(RANGE))];

const RANGE: &[Field] =
    &[Field::new("min", Kind::Integer(0, 2_147_483_647)), Field::new("max", Kind::Integer(0, 2_147_483_647))];

const DISALLOWED: &[Field] = &[Field::new("diskTypes", Kind::List(&Kind::Choice(DISK_TYPES)))];

const DISK_TYPES: &[&str] = &[
    "Standard_LRS",
    "Premium_LRS",
    "StandardSSD_LRS",
    "UltraSSD_LRS",
    "Premium_ZRS",
    "StandardSSD_ZRS",
    "PremiumV2_LRS",
];

const PURCHASE_PLAN: &[Field] = &[
    Field::new("name", Kind::Text(128)),
    Field::new("publisher", Kind::Text(128)),
    Field::new("product", Kind::Text(128)),
];

const FEATURE: &[Field] = &[
    Field::new("name", Kind::Text(64)),
    Field::new("value", Kind::Text(128)),
    Field::new("startsAtVersion", Kind::Text(64)),
];
