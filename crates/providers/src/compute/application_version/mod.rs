//! Application versions: a package, how it is installed, and the regions it is in.
//!
//! The bytes are kept as they are; nothing looks into them. What may change is where a version is and whether it is
//! offered.

#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;
use serde_json::{Map, Value};

use super::artifact::links::{self, Place};
use super::artifact::{Artifact, publishing, safety, show, work};
use super::definition;
use crate::shape::{Field, at, object_in, text_at};
use crate::{Accepted, Put, Query, Rejection, ResourceType, Show};

/// `Microsoft.Compute/galleries/applications/versions`.
#[derive(Clone, Copy, Debug)]
pub struct ApplicationVersion;

const ARTIFACT: Artifact = Artifact {
    subject: "galleryApplicationVersion",
    title: "Gallery application version",
    regions: "publishingProfile.targetRegions",
    counts_replicas: true,
};

const LINKS: &[Place] = &[
    Place { name: "package", path: "publishingProfile.source.mediaLink", is_required: true },
    Place {
        name: "configuration",
        path: "publishingProfile.source.defaultConfigurationLink",
        is_required: false,
    },
];

impl ResourceType for ApplicationVersion {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Compute", &["galleries", "applications", "versions"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn operations(&self) -> &'static str {
        "capsOperations"
    }

    fn subject(&self) -> &'static str {
        ARTIFACT.subject
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        ARTIFACT.check_name(name)
    }

    fn sort_key(&self, name: &str) -> String {
        Artifact::sort_key(name)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        ARTIFACT.is_not_going_away(put)?;
        let mut properties = put.wanted.clone();
        safety::settle(put, &mut properties);
        let may_lose_regions = safety::allows_losing_regions(&properties);
        publishing::settle(put, &mut properties, &ARTIFACT, may_lose_regions)?;
        publishing::edge_zones_are_not_asked(&properties, &ARTIFACT)?;
        let sources = links::settle(put, &mut properties, &ARTIFACT, LINKS)?;
        is_installable(put, &properties)?;
        let actions = "publishingProfile.customActions";
        definition::actions_are_named_once(at(&properties, actions), &ARTIFACT.target(actions))?;
        keep_health_check(put, &mut properties);
        Ok(work::accepted(put, properties, &ARTIFACT, sources))
    }

    fn facets(&self, query: &Query) -> Option<&'static str> {
        show::facets(query)
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        show::properties(show, &ARTIFACT)
    }
}

/// What is installed can be removed; that is said at creation and stays.
fn is_installable(put: &Put<'_>, properties: &Map<String, Value>) -> Result<(), Rejection> {
    if put.current.is_some() {
        return Ok(());
    }
    for path in ["publishingProfile.manageActions.install", "publishingProfile.manageActions.remove"] {
        if text_at(properties, path).is_none() {
            return Err(ARTIFACT.missing(path));
        }
    }
    Ok(())
}

/// Whether the application reports its health: not, unless it is said.
fn keep_health_check(put: &Put<'_>, properties: &mut Map<String, Value>) {
    let path = "publishingProfile.enableHealthCheck";
    let stands = put.current.and_then(|current| at(&current.document.properties, path));
    let stands = stands.cloned().unwrap_or(Value::Bool(false));
    object_in(properties, "publishingProfile").entry("enableHealthCheck").or_insert(stands);
}
