//! Image versions: the bytes of an image, published once and then the same for ever.
//!
//! What may change is where a version is (regions, replica counts) and whether it is offered (`latest`, end of life).

mod disks;
mod encryption;
mod latest;
mod origin;
mod placement;
mod publishing;
mod replication;
mod rules;
mod show;
mod source;
#[cfg(test)]
mod tests;
mod wire;
mod work;

use arm::{TypeName, VersionName};
use serde_json::{Map, Value};

pub use self::latest::{Candidate, latest};
pub use self::replication::{Progress, ProgressState};
use crate::shape::Field;
use crate::{Accepted, Delete, Link, Put, Query, Rejection, Removal, ResourceType, Show};

/// `Microsoft.Compute/galleries/images/versions`.
#[derive(Clone, Copy, Debug)]
pub struct ImageVersion;

impl ImageVersion {
    /// The job that brings a version's bytes to where they should be.
    pub const PUBLISH: &'static str = "image_version.publish";
}

impl ResourceType for ImageVersion {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Compute", &["galleries", "images", "versions"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn operations(&self) -> &'static str {
        "capsOperations"
    }

    fn subject(&self) -> &'static str {
        "galleryImageVersion"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        rules::name_is_a_version(name)
    }

    /// Numbers order versions: 1.0.10 after 1.0.2.
    fn sort_key(&self, name: &str) -> String {
        name.parse::<VersionName>().map_or_else(|_text| name.to_ascii_lowercase(), VersionName::sort_key)
    }

    fn links(&self, wanted: &Map<String, Value>) -> Result<Vec<Link>, Rejection> {
        source::links(wanted)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        rules::is_not_going_away(put)?;
        rules::restoring_is_not_asked(put.directives)?;
        let mut properties = put.wanted.clone();
        rules::settle_safety(put, &mut properties);
        publishing::settle(put, &mut properties)?;
        rules::blocking_needs_an_end(&properties)?;
        rules::uefi_settings_fit(put, &properties)?;
        let sources = source::settle(put, &mut properties)?;
        rules::edge_zones_are_not_asked(&properties)?;
        if let Some(sources) = &sources {
            origin::fits(put, sources)?;
        }
        Ok(work::accepted(put, properties, sources.as_ref()))
    }

    fn delete(&self, delete: &Delete<'_>) -> Result<Removal, Rejection> {
        rules::deletion_is_not_blocked(delete)?;
        Ok(Removal::Gone)
    }

    fn facets(&self, query: &Query) -> Option<&'static str> {
        show::asks_for_replication(query).then_some(show::FACETS)
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        show::properties(show)
    }
}
