//! The JSON of a contract.

use crate::shape::{Field, Kind};

/// `mode` when nothing is said: what cannot boot or is plainly false is refused, the rest is warned of.
pub const DEFAULT: &str = "Default";
/// `mode` under which nothing is refused: findings are told as warnings.
pub const WARN: &str = "Warn";
/// `mode` under which nothing is looked at, as in Azure.
pub const OFF: &str = "Off";

/// What is done about a finding, by word.
pub(super) const OUTCOMES: &[&str] = &["refuse", "warn", "ignore"];

/// A rule that is not held against an image for a while.
const WAIVER: &[Field] = &[
    Field::new("rule", Kind::Text(64)).required(),
    Field::new("reason", Kind::Text(1024)).required(),
    Field::new("expiresOn", Kind::Time),
];

pub(super) const PROPERTIES: &[Field] = &[
    Field::new("mode", Kind::Choice(&[DEFAULT, WARN, OFF])),
    Field::new("rules", Kind::Map(&Kind::Choice(OUTCOMES))),
    Field::new("unknown", Kind::Choice(OUTCOMES)),
    Field::new("waivers", Kind::List(&Kind::Object(WAIVER))),
];
