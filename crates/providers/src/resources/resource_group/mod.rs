//! Resource groups: what is made together and deleted together.
//!
//! Deleting a group deletes what is in it.

mod rules;
#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;

use crate::shape::Field;
use crate::{Accepted, Put, Rejection, ResourceType};

/// `Microsoft.Resources/resourceGroups`.
#[derive(Clone, Copy, Debug)]
pub struct ResourceGroup;

impl ResourceType for ResourceGroup {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Resources", &["resourceGroups"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn subject(&self) -> &'static str {
        "resourceGroup"
    }

    fn properties(&self) -> &'static [Field] {
        &[]
    }

    fn envelope(&self) -> &'static [Field] {
        wire::ENVELOPE
    }

    fn deletes_children(&self) -> bool {
        true
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        rules::name_is_allowed(name)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        Ok(Accepted { properties: put.wanted.clone(), ..Accepted::default() })
    }
}
