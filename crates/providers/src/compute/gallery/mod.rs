//! Galleries: the shelf of a team, and the unit of sharing.
//!
//! A gallery's region is where its description lives; versions carry their own regions.

mod rules;
mod sharing;
mod show;
#[cfg(test)]
mod tests;
mod wire;

use arm::{ResourceId, TypeName};
use serde_json::{Map, Value};

pub use self::sharing::{
    Consumer, PUBLIC_CLAIMS, claim_of_public_name, claim_of_unique_name, community_metadata, is_public,
    is_shared_with, public_name, unique_name,
};
use super::name::{self, Dashes};
use crate::shape::Field;
use crate::{Accepted, Act, Acted, Action, Put, Rejection, ResourceType, Show};

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

/// How a gallery is shared with more than its own subscription; `None` for a private one.
pub(super) fn shared_kind(properties: &Map<String, Value>) -> Option<&str> {
    Some(sharing::permissions(properties)).filter(|kind| *kind != "Private")
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
        let mut properties = put.wanted.clone();
        sharing::settle(put, &mut properties)?;
        rules::settle_soft_delete(put.current, &mut properties);
        properties.insert("identifier".to_owned(), rules::identifier(put.id));
        let claims = sharing::claims(put.id, &properties);
        Ok(Accepted { properties, claims, ..Accepted::default() })
    }

    fn actions(&self) -> &'static [Action] {
        &[Action { name: "share", body: sharing::SHARE }]
    }

    fn act(&self, act: &Act<'_>) -> Result<Acted, Rejection> {
        sharing::share(act)
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        show::properties(show)
    }

    fn taken(&self, _stored: &Map<String, Value>, id: &ResourceId, holder: &ResourceId) -> Rejection {
        rules::name_is_taken(id, holder)
    }
}
