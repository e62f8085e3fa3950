//! End-of-life dates: a promise about the future, made in the future tense.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::Rejection;
use crate::shape::at;

/// Refuses a date at `path` that is set or moved to the past; one that stands may pass.
pub(super) fn is_ahead_when_changed(
    now: Timestamp,
    current: Option<&Map<String, Value>>,
    wanted: &Map<String, Value>,
    path: &str,
    subject: &str,
) -> Result<(), Rejection> {
    let stands = current.and_then(|current| moment(current, path));
    match moment(wanted, path) {
        Some(date) if Some(date) != stands && date <= now => Err(Rejection::invalid(
            format!("{subject}.properties.{path}"),
            "EndOfLifeDate must be set to a future date.",
        )),
        _ => Ok(()),
    }
}

/// The moment at `path`, if there is one.
pub(super) fn moment(members: &Map<String, Value>, path: &str) -> Option<Timestamp> {
    at(members, path)?.as_str()?.parse().ok()
}
