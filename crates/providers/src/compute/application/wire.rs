//! The JSON of an application, as of 2026-03-03.

use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("description", Kind::Text(4096)),
    Field::new("eula", Kind::Text(4096)),
    Field::new("privacyStatementUri", Kind::Text(2048)),
    Field::new("releaseNoteUri", Kind::Text(2048)),
    Field::new("endOfLifeDate", Kind::Time),
    Field::new("supportedOSType", Kind::Choice(&["Windows", "Linux"])).fixed().required(),
    Field::new("customActions", CUSTOM_ACTIONS),
];

/// Commands beyond installing and removing.
pub(in crate::compute) const CUSTOM_ACTIONS: Kind = Kind::List(&Kind::Object(&[
    Field::new("name", Kind::Text(256)),
    Field::new("script", Kind::Text(65_536)),
    Field::new("description", Kind::Text(4096)),
    Field::new("parameters", Kind::List(&Kind::Object(PARAMETER))),
]));

const PARAMETER: &[Field] = &[
    Field::new("name", Kind::Text(256)),
    Field::new("required", Kind::Bool),
    Field::new("type", Kind::Choice(&["String", "ConfigurationDataBlob", "LogOutputBlob"])),
    Field::new("defaultValue", Kind::Text(65_536)),
    Field::new("description", Kind::Text(4096)),
];
