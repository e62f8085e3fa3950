//! The publishing profile: where a version should be, and whether it is offered.

use serde_json::{Map, Value};

use super::{Artifact, placement};
use crate::compute::end_of_life;
use crate::shape::{at, object_in};
use crate::{Put, Rejection};

const PROFILE: &str = "publishingProfile";

/// What an update may say; when it says none of it, all of it stays.
const CHANGEABLE: [&str; 5] =
    ["targetRegions", "replicaCount", "excludeFromLatest", "endOfLifeDate", "targetExtendedLocations"];

/// Checks and fills the publishing profile.
pub(in crate::compute) fn settle(
    put: &Put<'_>,
    properties: &mut Map<String, Value>,
    artifact: &Artifact,
    may_lose_regions: bool,
) -> Result<(), Rejection> {
    let current = put.current.map(|current| &current.document.properties);
    let stands = current.and_then(|current| current.get(PROFILE)?.as_object());
    let profile = object_in(properties, PROFILE);
    if let Some(stands) = stands {
        mode_is_kept(profile, stands, artifact)?;
        keep_unsaid(profile, stands);
    } else {
        one_way_to_choose_storage(profile, artifact)?;
        profile.insert("publishedDate".to_owned(), arm::wire_time(put.now).into());
    }
    fill_defaults(profile);
    placement::settle(put, profile, stands, artifact, may_lose_regions)?;
    end_of_life::is_ahead_when_changed(
        put.now,
        current,
        properties,
        "publishingProfile.endOfLifeDate",
        artifact.subject,
    )
}

/// An edge zone that is not there can hold no replica: better refused than forgotten.
pub(in crate::compute) fn edge_zones_are_not_asked(
    properties: &Map<String, Value>,
    artifact: &Artifact,
) -> Result<(), Rejection> {
    let path = "publishingProfile.targetExtendedLocations";
    match at(properties, path).and_then(Value::as_array) {
        Some(zones) if !zones.is_empty() => {
            Err(Rejection::not_implemented("Replication to edge zones").at(artifact.target(path)))
        }
        _ => Ok(()),
    }
}

/// Clients that mean one member, or none, must not lose regions by leaving out the rest.
fn keep_unsaid(profile: &mut Map<String, Value>, stands: &Map<String, Value>) {
    let says_nothing = !CHANGEABLE.iter().any(|name| profile.contains_key(*name));
    let kept: &[&str] = if says_nothing { &CHANGEABLE } else { &["targetRegions", "replicaCount"] };
    for name in kept {
        if let Some(value) = stands.get(*name).filter(|_| !profile.contains_key(*name)) {
            profile.insert((*name).to_owned(), value.clone());
        }
    }
}

/// The mode is chosen at creation; `Full` is what was chosen when nothing was said.
fn mode_is_kept(
    profile: &mut Map<String, Value>,
    stands: &Map<String, Value>,
    artifact: &Artifact,
) -> Result<(), Rejection> {
    let name = "replicationMode";
    let asked = profile.remove(name);
    let chosen = stands.get(name);
    let full = Value::from("Full");
    if asked.is_some_and(|asked| asked != *chosen.unwrap_or(&full)) {
        return Err(Rejection::change(artifact.target(&format!("{PROFILE}.{name}"))));
    }
    profile.extend(chosen.map(|mode| (name.to_owned(), mode.clone())));
    Ok(())
}

fn one_way_to_choose_storage(profile: &Map<String, Value>, artifact: &Artifact) -> Result<(), Rejection> {
    if profile.contains_key("storageAccountType") && profile.contains_key("storageAccountStrategy") {
        let target = artifact.target(&format!("{PROFILE}.storageAccountStrategy"));
        let message =
            format!("'{target}' cannot be specified along with 'storageAccountType'. Specify one of them.");
        return Err(Rejection::invalid(target, message));
    }
    Ok(())
}

fn fill_defaults(profile: &mut Map<String, Value>) {
    profile.entry("replicaCount").or_insert(1.into());
    profile.entry("excludeFromLatest").or_insert(Value::Bool(false));
    if !profile.contains_key("storageAccountStrategy") {
        profile.entry("storageAccountType").or_insert_with(|| "Standard_LRS".into());
    }
    let no_zones =
        profile.get("targetExtendedLocations").and_then(Value::as_array).is_some_and(Vec::is_empty);
    if no_zones {
        profile.remove("targetExtendedLocations");
    }
}
