//! Contracts: what is done when the bytes of a version are not what its definition says.
//!
//! A definition has one, below it; without one the installation's default holds. It is asked when a version is
//! published, so a change of it changes nothing that stands.

mod rules;
#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;

use crate::shape::Field;
use crate::{Accepted, Put, Rejection, ResourceType};

pub use wire::{DEFAULT, OFF, WARN};

/// `Gallerist.Images/contracts`, an extension of image definitions.
#[derive(Clone, Copy, Debug)]
pub struct Contract;

impl ResourceType for Contract {
    fn name(&self) -> TypeName {
        TypeName::new("Gallerist.Images", &["contracts"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn subject(&self) -> &'static str {
        "contract"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn is_located(&self) -> bool {
        false
    }

    fn goes_with_parent(&self) -> bool {
        true
    }

    fn deletes_as_operation(&self) -> bool {
        false
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        rules::name_is_default(name)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        rules::hangs_below_a_definition(put.id)?;
        rules::rules_are_named_well(put.wanted)?;
        Ok(Accepted { properties: rules::settled(put.wanted), ..Accepted::default() })
    }
}
