//! The JSON of a deployment (`Microsoft.Resources` 2025-04-01 and before).

use crate::shape::{Field, Kind};

const LINK: &[Field] = &[Field::new("uri", Kind::Text(2048)), Field::new("id", Kind::Text(2048))];

/// What is sent is for the job; what is shown is made from it.
pub(super) const PROPERTIES: &[Field] = &[
    Field::new("template", Kind::Map(&Kind::Any)).directive(),
    Field::new("templateLink", Kind::Object(LINK)).directive(),
    Field::new("parameters", Kind::Map(&Kind::Any)).directive(),
    Field::new("parametersLink", Kind::Object(LINK)).directive(),
    Field::new("mode", Kind::Choice(&["Incremental", "Complete"])),
    Field::new("whatIfSettings", Kind::Map(&Kind::Any)).directive(),
];

/// The body of a question, where nothing is told apart from the rest.
pub(super) const BODY: &[Field] = &[
    Field::new("location", Kind::Text(128)),
    Field::new("tags", Kind::Map(&Kind::Any)),
    Field::new("properties", Kind::Object(QUESTION)),
];

const QUESTION: &[Field] = &[
    Field::new("template", Kind::Map(&Kind::Any)),
    Field::new("templateLink", Kind::Object(LINK)),
    Field::new("parameters", Kind::Map(&Kind::Any)),
    Field::new("parametersLink", Kind::Object(LINK)),
    Field::new("mode", Kind::Choice(&["Incremental", "Complete"])),
    Field::new("whatIfSettings", Kind::Map(&Kind::Any)),
];
