//! The JSON of an access control profile, as of 2026-03-03.

use crate::shape::{Field, Kind};

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("description", Kind::Text(4096)),
    Field::new("osType", Kind::Choice(&["Windows", "Linux"])).fixed().required(),
    Field::new("applicableHostEndpoint", Kind::Choice(&["WireServer", "IMDS"])).fixed().required(),
];
