//! Storage accounts: whose containers they are, and the keys that open them.
//!
//! An account's name is the first word of its blobs' addresses, so it is one in the whole installation and no word that
//! is an address of ours. The keys are secrets: sealed at rest, told by `listKeys` alone.

mod keys;
#[cfg(test)]
mod tests;
mod wire;

use arm::TypeName;
use serde_json::{Map, Value, json};

use super::blob_service;
use crate::shape::Field;
use crate::{Accepted, Act, Acted, Action, Put, Rejection, ResourceType, Show};

pub use self::keys::KEYS;

/// `Microsoft.Storage/storageAccounts`.
#[derive(Clone, Copy, Debug)]
pub struct StorageAccount;

/// First words of addresses that are ours.
const RESERVED: &[&str] = &[
    "adfs",
    "aliases",
    "common",
    "consumers",
    "console",
    "docs",
    "gallerist",
    "health",
    "healthz",
    "livez",
    "login",
    "metadata",
    "metrics",
    "msgraph",
    "nbd",
    "organizations",
    "providers",
    "readyz",
    "static",
    "subscriptions",
    "tenants",
    "version",
];

/// The claim that makes a name one in the whole installation.
#[must_use]
pub fn claim(name: &str) -> String {
    format!("storage account {}", name.to_ascii_lowercase())
}

/// Refuses what no storage account may be called ("Storage account overview", names).
///
/// # Errors
/// 400 `InvalidParameter` with the rule.
pub fn check_name(name: &str) -> Result<(), Rejection> {
    let fits =
        (3..=24).contains(&name.len()) && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    let target = "storageAccount.name";
    if !fits {
        let message = format!(
            "{shown} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."
        );
        return Err(Rejection::invalid(target, message));
    }
    if RESERVED.contains(&name) {
        let message = format!(
            "{shown} is not a valid storage account name here: addresses of this server begin with it. Choose another."
        );
        return Err(Rejection::invalid(target, message));
    }
    Ok(())
}

impl ResourceType for StorageAccount {
    fn name(&self) -> TypeName {
        "Microsoft.Storage/storageAccounts".into()
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn subject(&self) -> &'static str {
        "storageAccount"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn envelope(&self) -> &'static [Field] {
        wire::ENVELOPE
    }

    /// Clients take 200 and 202 of this type, never 201.
    fn put_status(&self, _is_new: bool) -> u16 {
        200
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
        let envelope = wire::settled_envelope(put)?;
        let properties = wire::settled(put);
        let internal = put.current.is_none().then(|| keys::fresh(put.entropy, put.now));
        let brings = blob_service::of_account(put.id).into_iter().collect();
        let claims = vec![claim(put.id.name())];
        Ok(Accepted { properties, envelope: Some(envelope), internal, claims, brings, ..Accepted::default() })
    }

    fn taken(
        &self,
        _stored: &Map<String, Value>,
        id: &arm::ResourceId,
        _holder: &arm::ResourceId,
    ) -> Rejection {
        let message = format!("The storage account named {} is already taken.", id.name());
        Rejection::conflict("StorageAccountAlreadyTaken", message)
    }

    fn actions(&self) -> &'static [Action] {
        wire::ACTIONS
    }

    fn act(&self, act: &Act<'_>) -> Result<Acted, Rejection> {
        keys::act(act)
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        let (document, id) = (&show.stored.document, &show.stored.id);
        let mut shown = document.properties.clone();
        let address = format!("{}/{}/", show.query.base, id.name().to_ascii_lowercase());
        shown.insert("primaryEndpoints".to_owned(), json!({ "blob": address }));
        shown.insert("primaryLocation".to_owned(), json!(document.location));
        shown.insert("statusOfPrimary".to_owned(), "available".into());
        if let Some(times) = keys::creation_times(&document.internal) {
            shown.insert("keyCreationTime".to_owned(), times);
        }
        shown
    }
}
