//! Target regions: where the replicas of a version should be, and how many.
//!
//! After [`settle`] every region has its display name, a count and a kind of storage of its own.

use std::collections::BTreeMap;

use arm::Region;
use serde_json::{Map, Value};

use super::encryption;
use crate::{Put, Rejection};

const TARGET: &str = "galleryImageVersion.properties.publishingProfile.targetRegions";

/// Replicas of one version in all regions together (azure-api 20).
const MOST_REPLICAS: u64 = 100;

/// A target region and its members.
pub(super) type Target = (Region, Map<String, Value>);

/// Target regions by region, as JSON.
pub(super) type Targets = BTreeMap<Region, Map<String, Value>>;

/// Checks and fills `targetRegions` of a publishing profile; `stands` is the profile before.
pub(super) fn settle(
    put: &Put<'_>,
    profile: &mut Map<String, Value>,
    stands: Option<&Map<String, Value>>,
    may_lose_regions: bool,
) -> Result<(), Rejection> {
    let before = stands.map(targets_of).unwrap_or_default();
    let home = home(put)?;
    let asked = match profile.remove("targetRegions") {
        Some(Value::Array(asked)) => read(&asked)?,
        _ => vec![(home.clone(), Map::new())],
    };
    regions_exist(put, &asked, &before)?;
    home_is_among(&home, &asked)?;
    regions_are_not_lost(put, &asked, &before, may_lose_regions)?;
    let mut settled = Vec::with_capacity(asked.len());
    for (at, (region, members)) in asked.into_iter().enumerate() {
        let place = format!("{TARGET}[{at}]");
        settled.push((
            region.clone(),
            one(&region, members, before.get(&region), profile, stands.is_some(), &place)?,
        ));
    }
    replicas_are_not_too_many(&settled)?;
    shallow_stays_at_home(profile, &home, &settled)?;
    encryption::is_whole(put, &settled)?;
    let regions = settled.into_iter().map(|(_, members)| Value::Object(members)).collect();
    profile.insert("targetRegions".to_owned(), Value::Array(regions));
    Ok(())
}

/// The target regions of a stored publishing profile.
pub(super) fn targets_of(profile: &Map<String, Value>) -> Targets {
    let regions = profile.get("targetRegions").and_then(Value::as_array).into_iter().flatten();
    regions
        .filter_map(|target| {
            let members = target.as_object()?;
            let region = members.get("name")?.as_str()?.parse().ok()?;
            Some((region, members.clone()))
        })
        .collect()
}

/// Which regions hold how many replicas: what a job has to bring about.
pub(super) fn replica_counts(targets: &Targets) -> BTreeMap<&Region, (u64, Option<&Value>)> {
    targets
        .iter()
        .map(|(region, members)| (region, (own_count(members), members.get("additionalReplicaSets"))))
        .collect()
}

fn home(put: &Put<'_>) -> Result<Region, Rejection> {
    put.location.parse().map_err(|error: arm::RegionError| {
        Rejection::invalid("galleryImageVersion.location", error.to_string())
    })
}

fn read(asked: &[Value]) -> Result<Vec<Target>, Rejection> {
    let mut regions: Vec<Target> = Vec::with_capacity(asked.len());
    for (at, target) in asked.iter().enumerate() {
        let members = target.as_object().cloned().unwrap_or_default();
        let place = format!("{TARGET}[{at}].name");
        let name = members.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| {
            Rejection::invalid(&place, format!("Required parameter '{place}' is missing (null)."))
        })?;
        let region: Region =
            name.parse().map_err(|error: arm::RegionError| Rejection::invalid(&place, error.to_string()))?;
        if regions.iter().any(|(other, _)| *other == region) {
            return Err(Rejection::invalid(
                TARGET,
                "Duplicate regions are not allowed in target publishing regions.",
            ));
        }
        regions.push((region, members));
    }
    Ok(regions)
}

/// A region that stands may stay even when the installation no longer has it.
fn regions_exist(put: &Put<'_>, asked: &[Target], before: &Targets) -> Result<(), Rejection> {
    let mut unknown = asked.iter().map(|(region, _)| region);
    match unknown.find(|region| !put.regions.contains(*region) && !before.contains_key(*region)) {
        None => Ok(()),
        Some(region) => {
            let available: Vec<&str> = put.regions.iter().map(Region::as_str).collect();
            let message = format!(
                "The target publishing region '{region}' is not available. List of available regions is '{}'.",
                available.join(",")
            );
            Err(Rejection::invalid(TARGET, message))
        }
    }
}

fn home_is_among(home: &Region, asked: &[Target]) -> Result<(), Rejection> {
    if asked.iter().any(|(region, _)| region == home) {
        return Ok(());
    }
    let regions: Vec<&str> = asked.iter().map(|(region, _)| region.as_str()).collect();
    // The trailing blank is Azure's.
    let message = format!(
        "Gallery image version publishing profile regions '{}' must contain the location of image version '{}'. ",
        regions.join(", "),
        home.display_name()
    );
    Err(Rejection::invalid(TARGET, message))
}

fn regions_are_not_lost(
    put: &Put<'_>,
    asked: &[Target],
    before: &Targets,
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
    Err(Rejection::contradiction(message).at(TARGET))
}

/// One region filled: its own words, else what stands, else what the profile says for all.
fn one(
    region: &Region,
    mut members: Map<String, Value>,
    before: Option<&Map<String, Value>>,
    profile: &Map<String, Value>,
    is_update: bool,
    place: &str,
) -> Result<Map<String, Value>, Rejection> {
    members.insert("name".to_owned(), region.display_name().into());
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
    encryption::is_kept(&mut members, before, is_update, place)?;
    Ok(members)
}

fn common_storage(profile: &Map<String, Value>) -> &str {
    let text = |name: &str| profile.get(name).and_then(Value::as_str);
    match text("storageAccountStrategy") {
        Some("PreferStandard_ZRS") => "Standard_ZRS",
        Some(_) => "Standard_LRS",
        None => text("storageAccountType").unwrap_or("Standard_LRS"),
    }
}

fn replicas_are_not_too_many(settled: &[Target]) -> Result<(), Rejection> {
    let sum: u64 = settled.iter().map(|(_, members)| own_count(members) + additional_count(members)).sum();
    if sum <= MOST_REPLICAS {
        return Ok(());
    }
    let message = format!(
        "The target regions ask for {sum} replicas in total. An image version may have at most {MOST_REPLICAS}."
    );
    Err(Rejection::invalid(TARGET, message))
}

/// A shallow version is one replica where its source is (azure-api 7.8).
fn shallow_stays_at_home(
    profile: &Map<String, Value>,
    home: &Region,
    settled: &[Target],
) -> Result<(), Rejection> {
    let is_shallow = profile.get("replicationMode").and_then(Value::as_str) == Some("Shallow");
    let alone = matches!(settled, [(region, members)]
        if region == home && own_count(members) == 1 && additional_count(members) == 0);
    if !is_shallow || alone {
        return Ok(());
    }
    let message = format!(
        "With replication mode 'Shallow' an image version has a single replica in its own location, '{}'.",
        home.display_name()
    );
    Err(Rejection::invalid(TARGET, message))
}

fn own_count(members: &Map<String, Value>) -> u64 {
    members.get("regionalReplicaCount").and_then(Value::as_u64).unwrap_or(1)
}

fn additional_count(members: &Map<String, Value>) -> u64 {
    let sets = members.get("additionalReplicaSets").and_then(Value::as_array).into_iter().flatten();
    sets.map(|set| set["regionalReplicaCount"].as_u64().unwrap_or(1)).sum()
}
