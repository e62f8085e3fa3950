//! Target regions: where the replicas of a version should be, and how many.
//!
//! After [`settle`] every region has its display name, and where they count a number and a kind of storage.

use std::collections::BTreeMap;

use arm::Region;
use serde_json::{Map, Value};

use super::{Artifact, encryption};
use crate::shape::at;
use crate::{Put, Rejection};

/// Replicas of one version in all regions together (azure-api 20).
const MOST_REPLICAS: u64 = 100;

/// A target region and its members.
pub(in crate::compute) type Target = (Region, Map<String, Value>);

/// Target regions by region, as JSON.
pub(in crate::compute) type Targets = BTreeMap<Region, Map<String, Value>>;

/// Checks and fills the list of target regions in `profile`; `stands` is the profile before.
pub(in crate::compute) fn settle(
    put: &Put<'_>,
    profile: &mut Map<String, Value>,
    stands: Option<&Map<String, Value>>,
    artifact: &Artifact,
    may_lose_regions: bool,
) -> Result<(), Rejection> {
    let target = artifact.target(artifact.regions);
    let before = stands.map(|stands| listed(stands, artifact.list())).unwrap_or_default();
    let home = home(put, artifact)?;
    let asked = match profile.remove(artifact.list()) {
        Some(Value::Array(asked)) => read(&asked, &target)?,
        _ => vec![(home.clone(), Map::new())],
    };
    regions_exist(put, &asked, &before, &target)?;
    home_is_among(&home, &asked, artifact)?;
    regions_are_not_lost(put, &asked, &before, artifact, may_lose_regions)?;
    let mut settled = Vec::with_capacity(asked.len());
    for (at, (region, mut members)) in asked.into_iter().enumerate() {
        members.insert("name".to_owned(), region.display_name().into());
        let before = before.get(&region);
        let place = format!("{target}[{at}]");
        if artifact.counts_replicas {
            fill(&mut members, before, profile, &place)?;
        }
        encryption::is_kept(&mut members, before, stands.is_some(), &place)?;
        settled.push((region, members));
    }
    replicas_are_not_too_many(&settled, artifact)?;
    shallow_stays_at_home(profile, &home, &settled, artifact)?;
    encryption::is_whole(put, &settled, &target)?;
    let regions = settled.into_iter().map(|(_, members)| Value::Object(members)).collect();
    profile.insert(artifact.list().to_owned(), Value::Array(regions));
    Ok(())
}

/// The target regions of a stored publishing profile.
pub(in crate::compute) fn targets_of(profile: &Map<String, Value>) -> Targets {
    listed(profile, "targetRegions")
}

/// The target regions of stored properties.
pub(super) fn targets_in(artifact: &Artifact, properties: &Map<String, Value>) -> Targets {
    let profile = artifact.regions.strip_suffix(artifact.list()).unwrap_or_default();
    match profile.strip_suffix('.') {
        None => listed(properties, artifact.list()),
        Some(path) => at(properties, path)
            .and_then(Value::as_object)
            .map(|profile| listed(profile, artifact.list()))
            .unwrap_or_default(),
    }
}

/// Whether other regions, or another number of replicas, are wanted than before.
pub(super) fn is_moved(artifact: &Artifact, before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let (before, after) = (targets_in(artifact, before), targets_in(artifact, after));
    replica_counts(&before) != replica_counts(&after)
}

fn listed(members: &Map<String, Value>, list: &str) -> Targets {
    let regions = members.get(list).and_then(Value::as_array).into_iter().flatten();
    regions
        .filter_map(|target| {
            let members = target.as_object()?;
            let region = members.get("name")?.as_str()?.parse().ok()?;
            Some((region, members.clone()))
        })
        .collect()
}

/// Which regions hold how many replicas: what a job has to bring about.
pub(in crate::compute) fn replica_counts(targets: &Targets) -> BTreeMap<&Region, (u64, Option<&Value>)> {
    targets
        .iter()
        .map(|(region, members)| (region, (own_count(members), members.get("additionalReplicaSets"))))
        .collect()
}

fn home(put: &Put<'_>, artifact: &Artifact) -> Result<Region, Rejection> {
    put.location.parse().map_err(|error: arm::RegionError| {
        Rejection::invalid(format!("{}.location", artifact.subject), error.to_string())
    })
}

fn read(asked: &[Value], list: &str) -> Result<Vec<Target>, Rejection> {
    let mut regions: Vec<Target> = Vec::with_capacity(asked.len());
    for (at, target) in asked.iter().enumerate() {
        let members = target.as_object().cloned().unwrap_or_default();
        let place = format!("{list}[{at}].name");
        let name = members.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| {
            Rejection::invalid(&place, format!("Required parameter '{place}' is missing (null)."))
        })?;
        let region: Region =
            name.parse().map_err(|error: arm::RegionError| Rejection::invalid(&place, error.to_string()))?;
        if regions.iter().any(|(other, _)| *other == region) {
            return Err(Rejection::invalid(
                list,
                "Duplicate regions are not allowed in target publishing regions.",
            ));
        }
        regions.push((region, members));
    }
    Ok(regions)
}

/// A region that stands may stay even when the installation no longer has it.
fn regions_exist(put: &Put<'_>, asked: &[Target], before: &Targets, target: &str) -> Result<(), Rejection> {
    let mut unknown = asked.iter().map(|(region, _)| region);
    match unknown.find(|region| !put.regions.contains(*region) && !before.contains_key(*region)) {
        None => Ok(()),
        Some(region) => {
            let available: Vec<&str> = put.regions.iter().map(Region::as_str).collect();
            let message = format!(
                "The target publishing region '{region}' is not available. List of available regions is '{}'.",
                available.join(",")
            );
            Err(Rejection::invalid(target, message))
        }
    }
}

fn home_is_among(home: &Region, asked: &[Target], artifact: &Artifact) -> Result<(), Rejection> {
    if asked.iter().any(|(region, _)| region == home) {
        return Ok(());
    }
    let regions: Vec<&str> = asked.iter().map(|(region, _)| region.as_str()).collect();
    // The trailing blank is Azure's.
    let message = format!(
        "{} publishing profile regions '{}' must contain the location of {} '{}'. ",
        artifact.title,
        regions.join(", "),
        artifact.short(),
        home.display_name()
    );
    Err(Rejection::invalid(artifact.target(artifact.regions), message))
}

fn regions_are_not_lost(
    put: &Put<'_>,
    asked: &[Target],
    before: &Targets,
    artifact: &Artifact,
    may_lose_regions: bool,
) -> Result<(), Rejection> {
    let stays = |region: &Region| asked.iter().any(|(other, _)| other == region);
    let lost: Vec<&str> = before.keys().filter(|region| !stays(region)).map(Region::display_name).collect();
    if lost.is_empty() || may_lose_regions {
        return Ok(());
    }
    let message = format!(
        "Complete set of target locations not specified while updating gallery artifact '{}' and type '{}'. Deletion of previously replicated locations is not allowed, unless 'safetyProfile.allowDeletionOfReplicatedLocations' is true. Missing locations: '{}'.",
        put.id.name(),
        put.id.type_name(),
        lost.join(", ")
    );
    Err(Rejection::contradiction(message).at(artifact.target(artifact.regions)))
}

/// Fills one region: its own words, else what stands, else what the profile says for all.
fn fill(
    members: &mut Map<String, Value>,
    before: Option<&Map<String, Value>>,
    profile: &Map<String, Value>,
    place: &str,
) -> Result<(), Rejection> {
    let common = profile.get("replicaCount").cloned().unwrap_or_else(|| 1.into());
    members.entry("regionalReplicaCount").or_insert(common);
    let stands = before.and_then(|before| before.get("storageAccountType"));
    match (members.get("storageAccountType"), stands) {
        (Some(asked), Some(stands)) if asked != stands => {
            return Err(Rejection::change(format!("{place}.storageAccountType")));
        }
        (None, Some(stands)) => {
            members.insert("storageAccountType".to_owned(), stands.clone());
        }
        (None, None) => {
            members.insert("storageAccountType".to_owned(), common_storage(profile).into());
        }
        _ => {}
    }
    Ok(())
}

fn common_storage(profile: &Map<String, Value>) -> &str {
    let text = |name: &str| profile.get(name).and_then(Value::as_str);
    match text("storageAccountStrategy") {
        Some("PreferStandard_ZRS") => "Standard_ZRS",
        Some(_) => "Standard_LRS",
        None => text("storageAccountType").unwrap_or("Standard_LRS"),
    }
}

fn replicas_are_not_too_many(settled: &[Target], artifact: &Artifact) -> Result<(), Rejection> {
    let sum: u64 = settled.iter().map(|(_, members)| own_count(members) + additional_count(members)).sum();
    if sum <= MOST_REPLICAS {
        return Ok(());
    }
    let message = format!(
        "The target regions ask for {sum} replicas in total. An {} may have at most {MOST_REPLICAS}.",
        artifact.short()
    );
    Err(Rejection::invalid(artifact.target(artifact.regions), message))
}

/// A shallow version is one replica where its source is (azure-api 7.8).
fn shallow_stays_at_home(
    profile: &Map<String, Value>,
    home: &Region,
    settled: &[Target],
    artifact: &Artifact,
) -> Result<(), Rejection> {
    let is_shallow = profile.get("replicationMode").and_then(Value::as_str) == Some("Shallow");
    let alone = matches!(settled, [(region, members)]
        if region == home && own_count(members) == 1 && additional_count(members) == 0);
    if !is_shallow || alone {
        return Ok(());
    }
    let message = format!(
        "With replication mode 'Shallow' an {} has a single replica in its own location, '{}'.",
        artifact.short(),
        home.display_name()
    );
    Err(Rejection::invalid(artifact.target(artifact.regions), message))
}

fn own_count(members: &Map<String, Value>) -> u64 {
    members.get("regionalReplicaCount").and_then(Value::as_u64).unwrap_or(1)
}

fn additional_count(members: &Map<String, Value>) -> u64 {
    let sets = members.get("additionalReplicaSets").and_then(Value::as_array).into_iter().flatten();
    sets.map(|set| set["regionalReplicaCount"].as_u64().unwrap_or(1)).sum()
}
