//! Galleries: the shelf of a team, and the unit of sharing.
//!
//! A gallery's region is where its description lives; versions carry their own regions.

mod rules;
mod show;
#[cfg(test)]
mod tests;
mod wire;

use arm::{ResourceId, TypeName};
use serde_json::{Map, Value};

use super::name::{self, Dashes};
use crate::shape::Field;
use crate::{Accepted, Put, Rejection, ResourceType, Show};

/// `Microsoft.Compute/galleries`.
#[derive(Clone, Copy, Debug)]
pub struct Gallery;

/// How long a gallery keeps versions that were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SoftDeletePolicy {
    /// Days in which machines may still be made of them.
    pub(super) retention_days: i64,
    /// Days after those in which they can only be restored.
    pub(super) grace_days: i64,
}

/// The policy of a gallery that keeps deleted versions; `None` when deleting is final.
pub(super) fn soft_delete_policy(properties: &Map<String, Value>) -> Option<SoftDeletePolicy> {
    rules::soft_delete_policy(properties)
}

impl ResourceType for Gallery {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Compute", &["galleries"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn operations(&self) -> &'static str {
        "capsOperations"
    }

    fn subject(&self) -> &'static str {
        "gallery"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn envelope(&self) -> &'static [Field] {
        wire::ENVELOPE
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        name::check(name, "gallery", "gallery.name", Dashes::Refused)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        rules::permissions_are_kept(put.current, put.wanted)?;
        rules::community_is_described_whole(put.wanted)?;
        rules::sharing_is_private(put.wanted)?;
        let mut properties = put.wanted.clone();
        rules::settle_soft_delete(put.current, &mut properties);
        properties.insert("identifier".to_owned(), rules::identifier(put.id));
        Ok(Accepted { properties, claims: vec![rules::claim(put.id)], ..Accepted::default() })
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        show::properties(show)
    }

    fn taken(&self, _stored: &Map<String, Value>, id: &ResourceId, holder: &ResourceId) -> Rejection {
        rules::name_is_taken(id, holder)
    }
}
