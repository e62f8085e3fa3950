//! What an image version shows when it is asked for more.

use arm::Region;
use serde_json::{Map, Value};

use super::placement::targets_of;
use super::replication::{self, Progress};
use crate::{Query, Show, State};

/// Facets of replicas: `replica/westeurope`.
pub(super) const FACETS: &str = "replica/";

/// Whether `$expand=ReplicationStatus` is among what was asked.
pub(super) fn asks_for_replication(query: &Query) -> bool {
    let asked = query.expand.iter().flat_map(|expand| expand.split(','));
    asked.into_iter().any(|word| word.trim().eq_ignore_ascii_case("ReplicationStatus"))
}

/// The properties, with the state of each replica when asked for.
pub(super) fn properties(show: &Show<'_>) -> Map<String, Value> {
    let mut properties = show.stored.document.properties.clone();
    if asks_for_replication(show.query) {
        properties.insert("replicationStatus".to_owned(), replication_status(show));
    }
    properties
}

fn replication_status(show: &Show<'_>) -> Value {
    let document = &show.stored.document;
    let is_working = matches!(document.state, State::Creating | State::Updating);
    let profile = document.properties.get("publishingProfile").and_then(Value::as_object);
    let regions = profile.map(targets_of).unwrap_or_default();
    let summary = regions.keys().map(|region| match progress(show, region) {
        Some(progress) => progress.summary(region.display_name()),
        None => replication::unknown(region.display_name(), is_working),
    });
    replication::status(summary.collect())
}

fn progress(show: &Show<'_>, region: &Region) -> Option<Progress> {
    let is_its = |name: &str| name.strip_prefix(FACETS).unwrap_or(name).eq_ignore_ascii_case(region.as_str());
    let (_, document) = show.facets.iter().find(|(name, _)| is_its(name))?;
    serde_json::from_value(document.clone()).ok()
}
