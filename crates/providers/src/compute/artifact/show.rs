//! What a version shows when it is asked for more.

use arm::Region;
use serde_json::{Map, Value};

use super::Artifact;
use super::placement::targets_in;
use super::replication::{self, Progress};
use crate::{Query, Show, State};

/// Facets of replicas: `replica/westeurope`.
const FACETS: &str = "replica/";

/// The facets that are needed to answer `query`.
pub(in crate::compute) fn facets(query: &Query) -> Option<&'static str> {
    asks_for_replication(query).then_some(FACETS)
}

/// Whether `$expand=ReplicationStatus` is among what was asked.
fn asks_for_replication(query: &Query) -> bool {
    asks_for(query, "ReplicationStatus")
}

fn asks_for(query: &Query, wanted: &str) -> bool {
    let asked = query.expand.iter().flat_map(|expand| expand.split(','));
    asked.into_iter().any(|word| word.trim().eq_ignore_ascii_case(wanted))
}

/// The properties, with the state of each replica and the keys of the firmware when asked for.
pub(in crate::compute) fn properties(show: &Show<'_>, artifact: &Artifact) -> Map<String, Value> {
    let mut properties = show.stored.document.properties.clone();
    if !asks_for(show.query, "UefiSettings")
        && let Some(Value::Object(security)) = properties.get_mut("securityProfile")
    {
        security.remove("uefiSettings");
        if security.is_empty() {
            properties.remove("securityProfile");
        }
    }
    if asks_for_replication(show.query) {
        properties.insert("replicationStatus".to_owned(), replication_status(show, artifact));
    }
    properties
}

fn replication_status(show: &Show<'_>, artifact: &Artifact) -> Value {
    let document = &show.stored.document;
    let is_working = matches!(document.state, State::Creating | State::Updating);
    let regions = targets_in(artifact, &document.properties);
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
