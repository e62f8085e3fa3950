//! Uploads: where the bytes of a disk arrive before an image version is made of them.
//!
//! An upload hangs below an image definition and lands in one region. It is Open until its bytes are complete and
//! verified, then Committed; an Open one expires a day after it was last asked for.

mod rules;
#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;

use crate::compute::name::{self, Dashes};
use crate::shape::Field;
use crate::{Accepted, Put, Rejection, ResourceType};

pub use wire::{COMMITTED, OPEN};

/// `Gallerist.Images/uploads`, an extension of image definitions.
#[derive(Clone, Copy, Debug)]
pub struct Upload;

impl ResourceType for Upload {
    fn name(&self) -> TypeName {
        TypeName::new("Gallerist.Images", &["uploads"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn subject(&self) -> &'static str {
        "upload"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn deletes_as_operation(&self) -> bool {
        false
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        name::check(name, "upload", "upload.name", Dashes::Allowed)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        rules::hangs_below_a_definition(put.id)?;
        rules::lands_in_a_region(put)?;
        rules::size_is_whole_sectors(put.wanted)?;
        rules::file_name_is_no_path(put.wanted)?;
        let properties = rules::opened_or_extended(put);
        Ok(Accepted { properties, ..Accepted::default() })
    }
}
