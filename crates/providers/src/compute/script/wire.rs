//! The JSON of a script, as of 2026-03-03.

use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("description", Kind::Text(4096)),
    Field::new("eula", Kind::Text(4096)),
    Field::new("privacyStatementUri", Kind::Text(2048)),
    Field::new("releaseNoteUri", Kind::Text(2048)),
    Field::new("endOfLifeDate", Kind::Time),
    Field::new("supportedOSType", Kind::Choice(&["Windows", "Linux"])).fixed().required(),
];
