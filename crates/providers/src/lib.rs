//! The resource types and their rules: a folder per provider, a folder per type.
//!
//! Pure: a rule is handed all it may know (what stands, what is wanted, the parent, the time) and answers with a
//! decision. It never waits, reads a clock, or writes.

pub mod shape;

mod rejection;
mod resource_type;
mod stored;

pub use rejection::Rejection;
pub use resource_type::{Accepted, Delete, Link, Put, Query, ResourceType, Show, Work};
pub use stored::{Document, State, Stored};

/// Every resource type there is: a new one is its folder and its line here.
#[must_use]
pub fn resource_types() -> &'static [&'static dyn ResourceType] {
    &[]
}
