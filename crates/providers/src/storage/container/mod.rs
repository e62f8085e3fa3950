//! Containers: the folders of an account in which blobs lie. Deleting one deletes its blobs.

#[cfg(test)]
mod tests;

use arm::{ResourceId, TypeName};
use serde_json::{Map, Value};

use super::API_VERSIONS;
use crate::shape::{Field, Kind};
use crate::{Accepted, Put, Rejection, ResourceType, Show};

/// `Microsoft.Storage/storageAccounts/blobServices/containers`.
#[derive(Clone, Copy, Debug)]
pub struct Container;

const PROPERTIES: &[Field] = &[
    Field::new("publicAccess", Kind::Choice(&["None", "Blob", "Container"])),
    Field::new("metadata", Kind::Map(&Kind::Text(8192))),
    Field::new("defaultEncryptionScope", Kind::Text(63)),
    Field::new("denyEncryptionScopeOverride", Kind::Bool),
];

/// The type of their rows.
pub const TYPE: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";

/// The id of the container `name` of `account`; `None` when no container can be called so.
#[must_use]
pub fn id_of(account: &ResourceId, name: &str) -> Option<ResourceId> {
    check_name(name).ok()?;
    account.child("blobServices", "default").ok()?.child("containers", name).ok()
}

/// Refuses what no container may be called ("Naming and Referencing Containers, Blobs, and Metadata").
///
/// # Errors
/// 400 `ContainerNameInvalid`-like, with the rule.
pub fn check_name(name: &str) -> Result<(), Rejection> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (3..=63).contains(&name.len()) && name.chars().all(plain);
    if fits && !name.starts_with('-') && !name.ends_with('-') && !name.contains("--") {
        return Ok(());
    }
    let shown: String = name.chars().filter(|c| !c.is_control()).take(63).collect();
    let message = format!(
        "The container name '{shown}' is invalid. It should hold 3 to 63 lower-case letters, digits and dashes, begin and end with a letter or a digit, and not have two dashes in a row."
    );
    Err(Rejection::invalid("container.name", message))
}

impl ResourceType for Container {
    fn name(&self) -> TypeName {
        TYPE.into()
    }

    fn api_versions(&self) -> &'static [&'static str] {
        API_VERSIONS
    }

    fn subject(&self) -> &'static str {
        "container"
    }

    fn properties(&self) -> &'static [Field] {
        PROPERTIES
    }

    fn is_located(&self) -> bool {
        false
    }

    fn shows_state(&self) -> bool {
        false
    }

    fn deletes_children(&self) -> bool {
        true
    }

    fn deletes_as_operation(&self) -> bool {
        false
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        check_name(name)
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        let mut properties = put.wanted.clone();
        let stands = put.current.and_then(|current| current.document.properties.get("publicAccess"));
        properties
            .entry("publicAccess")
            .or_insert_with(|| stands.cloned().unwrap_or_else(|| Value::from("None")));
        Ok(Accepted { properties, ..Accepted::default() })
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        let mut shown = show.stored.document.properties.clone();
        for (name, value) in [("leaseStatus", "Unlocked"), ("leaseState", "Available")] {
            shown.insert(name.to_owned(), value.into());
        }
        for name in ["hasImmutabilityPolicy", "hasLegalHold", "deleted"] {
            shown.insert(name.to_owned(), false.into());
        }
        shown
    }
}
