//! Scripts of a gallery: what a run command may name instead of carrying it.

#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;

use super::definition;
use super::name::{self, Separators};
use crate::shape::Field;
use crate::{Accepted, Put, Rejection, ResourceType};

/// `Microsoft.Compute/galleries/scripts`.
#[derive(Clone, Copy, Debug)]
pub struct Script;

/// The gallery provider's api-versions that know scripts, newest first.
pub(super) const API_VERSIONS: &[&str] = &["2026-03-03", "2025-12-03", "2025-03-03"];

impl ResourceType for Script {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Compute", &["galleries", "scripts"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        API_VERSIONS
    }

    fn operations(&self) -> &'static str {
        "capsOperations"
    }

    fn subject(&self) -> &'static str {
        "galleryScript"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        name::check_words(name, "gallery script", "galleryScript.name", Separators::Underscores)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        definition::end_lies_ahead(put, self.subject())?;
        Ok(Accepted { properties: put.wanted.clone(), ..Accepted::default() })
    }
}
