//! What has to be done after a version of bytes or documents was accepted.

use serde_json::{Map, Value};

use super::{Artifact, placement};
use crate::{Accepted, Put, State, Work};

/// The job that brings a version's bytes to where they should be.
pub const PUBLISH: &str = "artifact_version.publish";

/// The server's note of what is still to be fetched: each with its `name`, and an `address` or `members`.
const SOURCE: &str = "source";

/// The answer to a PUT that breaks no rule; `sources` are what the job has to fetch, those named before included.
pub(in crate::compute) fn accepted(
    put: &Put<'_>,
    properties: Map<String, Value>,
    artifact: &Artifact,
    sources: Vec<Value>,
) -> Accepted {
    let work = Some(Work { kind: PUBLISH, input: Value::Null });
    let Some(current) = put.current else {
        let internal = Map::from_iter([(SOURCE.to_owned(), Value::Array(sources))]);
        return Accepted { properties, internal: Some(internal), work, ..Accepted::default() };
    };
    let is_broken = matches!(current.document.state, State::Failed | State::Canceled);
    // A signature is of use only while something is still to be fetched; a document may change.
    let is_waiting = current.document.internal.contains_key(SOURCE);
    let fetched: Vec<Value> =
        sources.into_iter().filter(|source| is_waiting || source.get("members").is_some()).collect();
    let is_moved = placement::is_moved(artifact, &current.document.properties, &properties);
    if !is_broken && !is_moved && fetched.is_empty() {
        return Accepted { properties, ..Accepted::default() };
    }
    let internal = (!fetched.is_empty()).then(|| with_sources(&current.document.internal, fetched));
    Accepted { properties, internal, work, ..Accepted::default() }
}

/// The notes with `fetched` in place of what has the same name.
fn with_sources(internal: &Map<String, Value>, fetched: Vec<Value>) -> Map<String, Value> {
    let mut internal = internal.clone();
    let stands = internal.remove(SOURCE);
    let stands = stands.as_ref().and_then(Value::as_array).into_iter().flatten();
    let is_fresh = |source: &Value| fetched.iter().any(|other| other["name"] == source["name"]);
    let mut sources: Vec<Value> = stands.filter(|source| !is_fresh(source)).cloned().collect();
    sources.extend(fetched);
    internal.insert(SOURCE.to_owned(), Value::Array(sources));
    internal
}
