//! Script versions: the text of a script, its parameters, and the regions it is in.

mod rules;
#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;
use serde_json::{Map, Value};

use super::artifact::links::{self, Place};
use super::artifact::{Artifact, publishing, safety, show, work};
use crate::shape::Field;
use crate::{Accepted, Put, Query, Rejection, ResourceType, Show};

/// `Microsoft.Compute/galleries/scripts/versions`.
#[derive(Clone, Copy, Debug)]
pub struct ScriptVersion;

const ARTIFACT: Artifact = Artifact {
    subject: "galleryScriptVersion",
    title: "Gallery script version",
    regions: "publishingProfile.targetRegions",
    counts_replicas: true,
};

const LINKS: &[Place] =
    &[Place { name: "script", path: "publishingProfile.source.scriptLink", is_required: true }];

impl ResourceType for ScriptVersion {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Compute", &["galleries", "scripts", "versions"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::script::API_VERSIONS
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
        rules::parameters_are_whole(&properties)?;
        Ok(work::accepted(put, properties, &ARTIFACT, sources))
    }

    fn facets(&self, query: &Query) -> Option<&'static str> {
        show::facets(query)
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        show::properties(show, &ARTIFACT)
    }
}
