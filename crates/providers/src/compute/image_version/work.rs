//! What has to be done after an image version was accepted.

use serde_json::{Map, Value};

use super::ImageVersion;
use super::placement::{replica_counts, targets_of};
use super::source::Sources;
use crate::{Accepted, Put, State, Work};

/// The server's note of where the bytes come from, for a retry.
const SOURCE: &str = "source";

/// The answer to a PUT that breaks no rule.
pub(super) fn accepted(put: &Put<'_>, properties: Map<String, Value>, sources: Option<&Sources>) -> Accepted {
    let Some(current) = put.current else {
        let source = sources.map_or(Value::Null, Sources::to_job);
        let internal = Map::from_iter([(SOURCE.to_owned(), source.clone())]);
        return Accepted {
            properties,
            internal: Some(internal),
            work: Some(publish(source)),
            ..Accepted::default()
        };
    };
    if matches!(current.document.state, State::Failed | State::Canceled) {
        let mut internal = current.document.internal.clone();
        // A blob may come with a signature that has not expired.
        let mut source = internal.get(SOURCE).cloned().unwrap_or_default();
        if let (Some(Value::Object(fresh)), Value::Object(source)) =
            (sources.map(Sources::to_job), &mut source)
        {
            source.extend(fresh);
        }
        internal.insert(SOURCE.to_owned(), source.clone());
        return Accepted {
            properties,
            internal: Some(internal),
            work: Some(publish(source)),
            ..Accepted::default()
        };
    }
    let moved = is_moved(&current.document.properties, &properties);
    Accepted { properties, work: moved.then(|| publish(Value::Null)), ..Accepted::default() }
}

fn publish(source: Value) -> Work {
    let input = Map::from_iter([(SOURCE.to_owned(), source)]);
    Work { kind: ImageVersion::PUBLISH, input: Value::Object(input) }
}

/// Whether other regions, or another number of replicas, are wanted than before.
fn is_moved(before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let targets = |properties: &Map<String, Value>| {
        properties.get("publishingProfile").and_then(Value::as_object).map(targets_of).unwrap_or_default()
    };
    let (before, after) = (targets(before), targets(after));
    replica_counts(&before) != replica_counts(&after)
}
