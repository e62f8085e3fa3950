//! Applications of a gallery: what the packages called versions install.
//!
//! A PUT is done at once, and says nothing of a state (azure-api 2.2).

#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;

pub(in crate::compute) use self::wire::CUSTOM_ACTIONS;

use super::definition;
use super::name::{self, Dashes};
use crate::shape::Field;
use crate::{Accepted, Put, Rejection, ResourceType};

/// `Microsoft.Compute/galleries/applications`.
#[derive(Clone, Copy, Debug)]
pub struct Application;

impl ResourceType for Application {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Compute", &["galleries", "applications"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn operations(&self) -> &'static str {
        "capsOperations"
    }

    fn subject(&self) -> &'static str {
        "galleryApplication"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn shows_state(&self) -> bool {
        false
    }

    fn deletes_as_operation(&self) -> bool {
        false
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        name::check(name, "gallery application", "galleryApplication.name", Dashes::Allowed)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        definition::end_lies_ahead(put, self.subject())?;
        let place = format!("{}.properties.customActions", self.subject());
        definition::actions_are_named_once(put.wanted.get("customActions"), &place)?;
        Ok(Accepted { properties: put.wanted.clone(), ..Accepted::default() })
    }
}
