//! The safety profile: whether replicas may be lost.

use serde_json::{Map, Value};

use crate::Put;
use crate::shape::{at, object_in};

const SAFETY: &str = "safetyProfile";
const ALLOW: &str = "allowDeletionOfReplicatedLocations";

/// Fills the safety profile; an update that says nothing of it changes nothing of it.
pub(in crate::compute) fn settle(put: &Put<'_>, properties: &mut Map<String, Value>) {
    let stands = put.current.and_then(|current| current.document.properties.get(SAFETY)?.get(ALLOW));
    let stands = stands.cloned().unwrap_or(Value::Bool(false));
    object_in(properties, SAFETY).entry(ALLOW).or_insert(stands);
}

/// Whether the client agreed to lose replicas.
pub(in crate::compute) fn allows_losing_regions(properties: &Map<String, Value>) -> bool {
    at(properties, &format!("{SAFETY}.{ALLOW}")) == Some(&Value::Bool(true))
}
