//! Image versions: the bytes of an image, published once and then the same for ever.
//!
//! What may change is where a version is (regions, replica counts) and whether it is offered (`latest`, end of life).

mod disks;
mod latest;
mod origin;
mod rules;
mod soft_delete;
mod source;
#[cfg(test)]
mod tests;
mod wire;
mod work;

use arm::{ResourceId, TypeName, VersionName};
use serde_json::{Map, Value};

pub(super) use self::latest::is_excluded;
pub use self::latest::{Candidate, latest};
pub use self::soft_delete::{SOFT_DELETED, SOFT_DELETED_ARTIFACT, SoftDeleted, artifact, aside, version_of};
pub use super::artifact::replication::{Progress, ProgressState};
use super::artifact::{Artifact, placement, publishing, safety, show};
use crate::shape::Field;
use crate::{Accepted, Delete, Link, Put, Query, Rejection, Removal, ResourceType, Show};

/// `Microsoft.Compute/galleries/images/versions`.
#[derive(Clone, Copy, Debug)]
pub struct ImageVersion;

const ARTIFACT: Artifact = Artifact {
    subject: "galleryImageVersion",
    title: "Gallery image version",
    regions: "publishingProfile.targetRegions",
    counts_replicas: true,
};

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

    /// What was soft-deleted under this number, if anything was.
    fn companions(&self, id: &ResourceId) -> Vec<ResourceId> {
        aside(id).into_iter().collect()
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        rules::is_not_going_away(put)?;
        if let Some(restored) = soft_delete::restored(put)? {
            return Ok(restored);
        }
        let mut properties = put.wanted.clone();
        rules::settle_safety(put, &mut properties);
        let may_lose_regions = safety::allows_losing_regions(&properties);
        publishing::settle(put, &mut properties, &ARTIFACT, may_lose_regions)?;
        rules::blocking_needs_an_end(&properties)?;
        rules::uefi_settings_fit(put, &properties)?;
        let sources = source::settle(put, &mut properties)?;
        publishing::edge_zones_are_not_asked(&properties, &ARTIFACT)?;
        rules::confidential_disks_fit(put, &properties)?;
        rules::encrypted_images_are_not_shared(put, &properties)?;
        if let Some(sources) = &sources {
            origin::fits(put, sources)?;
        }
        Ok(work::accepted(put, properties, sources.as_ref()))
    }

    fn delete(&self, delete: &Delete<'_>) -> Result<Removal, Rejection> {
        rules::deletion_is_not_blocked(delete)?;
        Ok(soft_delete::removal(delete))
    }

    fn facets(&self, query: &Query) -> Option<&'static str> {
        show::facets(query)
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        show::properties(show, &ARTIFACT)
    }
}
