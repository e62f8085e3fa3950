//! Managed images: an OS disk and data disks, copied from disks, snapshots or blobs, and then the same for ever.

mod rules;
#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;
use serde_json::{Map, Value};

use super::name::{self, Dashes};
use super::source::IMAGES;
use crate::shape::Field;
use crate::{Accepted, Link, Put, Rejection, ResourceType};

/// `Microsoft.Compute/images`.
#[derive(Clone, Copy, Debug)]
pub struct Image;

impl Image {
    /// The job that copies the disks of a managed image.
    pub const CAPTURE: &'static str = "image.capture";
}

impl ResourceType for Image {
    fn name(&self) -> TypeName {
        IMAGES.into()
    }

    fn api_versions(&self) -> &'static [&'static str] {
        wire::API_VERSIONS
    }

    fn subject(&self) -> &'static str {
        "image"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn envelope(&self) -> &'static [Field] {
        wire::ENVELOPE
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        name::check(name, "image", "image.name", Dashes::Allowed)
    }

    fn links(&self, named: &Map<String, Value>) -> Result<Vec<Link>, Rejection> {
        rules::links(named)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        rules::put(put)
    }
}
