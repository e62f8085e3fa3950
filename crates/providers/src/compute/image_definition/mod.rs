//! Image definitions: what every version of one image is and needs.
//!
//! What virtual machines are built on (operating system, generation, architecture, identifier) never changes.

mod features;
mod rules;
#[cfg(test)]
mod tests;
mod wire;

use arm::{ResourceId, TypeName};
use serde_json::{Map, Value};

use super::name::{self, Dashes};
use crate::shape::Field;
use crate::{Accepted, Put, Rejection, ResourceType};

pub(super) use features::security_type;

/// `Microsoft.Compute/galleries/images`.
#[derive(Clone, Copy, Debug)]
pub struct ImageDefinition;

impl ResourceType for ImageDefinition {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Compute", &["galleries", "images"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn operations(&self) -> &'static str {
        "capsOperations"
    }

    fn subject(&self) -> &'static str {
        "galleryImage"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        name::check(name, "gallery image", "galleryImage.name", Dashes::Allowed)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        let mut properties = put.wanted.clone();
        let current = put.current.map(|current| &current.document.properties);
        rules::fill_defaults(&mut properties, current, put.api_version);
        rules::identifier_is_well_formed(&properties)?;
        rules::least_is_at_most_most(&properties)?;
        rules::end_of_life_is_ahead(put.now, current, &properties)?;
        rules::arm64_needs_generation_2(&properties)?;
        features::settle(&mut properties, current, put.directives, put.api_version)?;
        features::fit_sharing(put.parent, &properties)?;
        rules::drop_empty(&mut properties);
        let claims = vec![rules::claim(put.id, &properties)];
        Ok(Accepted { properties, claims, ..Accepted::default() })
    }

    fn taken(&self, stored: &Map<String, Value>, id: &ResourceId, holder: &ResourceId) -> Rejection {
        rules::identifier_is_taken(stored, id, holder)
    }
}
