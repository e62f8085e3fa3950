//! In-VM access control profiles: for which system and which host endpoint the rules of their versions are.

#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;

use super::name::{self, Separators};
use crate::shape::Field;
use crate::{Accepted, Put, Rejection, ResourceType};

/// `Microsoft.Compute/galleries/inVMAccessControlProfiles`.
#[derive(Clone, Copy, Debug)]
pub struct AccessControlProfile;

/// The gallery provider's api-versions that know profiles, newest first.
pub(super) const API_VERSIONS: &[&str] = &["2026-03-03", "2025-12-03", "2025-03-03", "2024-03-03"];

impl ResourceType for AccessControlProfile {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Compute", &["galleries", "inVMAccessControlProfiles"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        API_VERSIONS
    }

    fn operations(&self) -> &'static str {
        "capsOperations"
    }

    fn subject(&self) -> &'static str {
        "galleryInVMAccessControlProfile"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        let target = "galleryInVMAccessControlProfile.name";
        name::check_words(name, "access control profile", target, Separators::DashesPeriodsUnderscores)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        Ok(Accepted { properties: put.wanted.clone(), ..Accepted::default() })
    }
}
