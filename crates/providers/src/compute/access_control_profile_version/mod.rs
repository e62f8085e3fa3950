//! Access control profile versions: who inside a machine may ask what of the host, and the regions that know it.
//!
//! The rules are a document; it is kept as bytes in each target region like an image, so that a region has it whole
//! or not at all.

mod rules;
#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;
use serde_json::{Map, Value, json};

use super::artifact::{Artifact, placement, show, work};
use crate::shape::Field;
use crate::{Accepted, Put, Query, Rejection, ResourceType, Show};

/// `Microsoft.Compute/galleries/inVMAccessControlProfiles/versions`.
#[derive(Clone, Copy, Debug)]
pub struct AccessControlProfileVersion;

const ARTIFACT: Artifact = Artifact {
    subject: "galleryInVMAccessControlProfileVersion",
    title: "Access control profile version",
    regions: "targetLocations",
    counts_replicas: false,
};

/// The members that are the document.
const DOCUMENT: [&str; 3] = ["mode", "defaultAccess", "rules"];

impl ResourceType for AccessControlProfileVersion {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Compute", &["galleries", "inVMAccessControlProfiles", "versions"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::access_control_profile::API_VERSIONS
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
        let stands = put.current.map(|current| &current.document.properties);
        match stands {
            Some(stands) => keep_unsaid(&mut properties, stands),
            None => drop(properties.insert("publishedDate".to_owned(), arm::wire_time(put.now).into())),
        }
        rules::are_whole(&properties)?;
        properties.entry("excludeFromLatest").or_insert(Value::Bool(false));
        // Nothing in this type's JSON could forbid the loss of regions.
        placement::settle(put, &mut properties, stands, &ARTIFACT, true)?;
        let is_same = stands.is_some_and(|stands| {
            DOCUMENT.iter().all(|member| stands.get(*member) == properties.get(*member))
        });
        let document = json!({"name": "rules", "members": DOCUMENT});
        let sources = if is_same { Vec::new() } else { vec![document] };
        Ok(work::accepted(put, properties, &ARTIFACT, sources))
    }

    fn facets(&self, query: &Query) -> Option<&'static str> {
        show::facets(query)
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        show::properties(show, &ARTIFACT)
    }
}

/// Clients that mean one member must not lose the rest by leaving it out.
fn keep_unsaid(properties: &mut Map<String, Value>, stands: &Map<String, Value>) {
    for name in DOCUMENT.into_iter().chain([ARTIFACT.regions]) {
        if let Some(value) = stands.get(name) {
            properties.entry(name).or_insert_with(|| value.clone());
        }
    }
}
