//! The resource types and their rules: a folder per provider, a folder per type.
//!
//! Pure: a rule is handed all it may know (what stands, what is wanted, the parent, the time) and answers with a
//! decision. It never waits, reads a clock, or writes.

pub mod compute;
pub mod images;
pub mod resources;
pub mod shape;
pub mod storage;

mod limits;
mod rejection;
mod resource_type;
mod stored;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use limits::{Limits, QUOTAS, Quota, UnknownLimit};
pub use rejection::Rejection;
pub use resource_type::{
    Accepted, Act, Acted, Action, Answer, Ask, Delete, Entropy, Link, Put, Query, Removal, ResourceType,
    Show, Work,
};
pub use stored::{Document, State, Stored};

/// Every resource type there is: a new one is its folder and its line here.
#[must_use]
pub fn resource_types() -> &'static [&'static dyn ResourceType] {
    &[
        &resources::resource_group::ResourceGroup,
        &resources::deployment::Deployment,
        &compute::gallery::Gallery,
        &compute::access_control_profile::AccessControlProfile,
        &compute::access_control_profile_version::AccessControlProfileVersion,
        &compute::application::Application,
        &compute::application_version::ApplicationVersion,
        &compute::image_definition::ImageDefinition,
        &compute::image_version::ImageVersion,
        &compute::script::Script,
        &compute::script_version::ScriptVersion,
        &compute::disk::Disk,
        &compute::image::Image,
        &compute::snapshot::Snapshot,
        &images::contract::Contract,
        &images::upload::Upload,
        &storage::account::StorageAccount,
        &storage::blob_service::BlobService,
        &storage::container::Container,
    ]
}
