//! `latest`: which version a definition means when none is named (azure-api 7.7).

use arm::{Region, VersionName};
use serde_json::Value;

use crate::shape::at;
use crate::{Document, State};

/// A version that may be the latest.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its name.
    pub name: VersionName,
    /// What is stored of it.
    pub document: &'a Document,
    /// Where a replica of it is complete.
    pub completed: &'a [Region],
}

/// The highest version by number that was published, is not excluded, and is complete in `region`.
///
/// Published once is enough: a version that is being brought to one region more, or failed to get there, is still
/// whole where it is complete, and `latest` must not fall back there.
/// A region's own `excludeFromLatest` wins over the common one. An end of life in the past excludes nothing. Without
/// a region, a version counts wherever it is. The order of `versions` does not matter.
pub fn latest<'a>(
    versions: impl IntoIterator<Item = Candidate<'a>>,
    region: Option<&Region>,
) -> Option<Candidate<'a>> {
    let usable = versions.into_iter().filter(|version| {
        matches!(version.document.state, State::Succeeded | State::Updating | State::Failed)
            && !is_excluded(version.document, region)
            && region.map_or(!version.completed.is_empty(), |region| version.completed.contains(region))
    });
    usable.max_by_key(|version| version.name)
}

/// Whether `latest` passes over a version in `region`: the region's own word wins over the common one.
pub(in crate::compute) fn is_excluded(document: &Document, region: Option<&Region>) -> bool {
    let flag = |value: Option<&Value>| value.and_then(Value::as_bool);
    let targets = at(&document.properties, "publishingProfile.targetRegions").and_then(Value::as_array);
    let of_region = region.and_then(|region| {
        let is_it = |target: &&Value| {
            target["name"].as_str().is_some_and(|name| name.parse().is_ok_and(|name: Region| name == *region))
        };
        flag(targets.into_iter().flatten().find(is_it)?.get("excludeFromLatest"))
    });
    of_region
        .or_else(|| flag(at(&document.properties, "publishingProfile.excludeFromLatest")))
        .unwrap_or(false)
}
