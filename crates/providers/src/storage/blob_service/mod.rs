//! The blob service of an account: there is one, called `default`, and it comes and goes with its account.

use arm::{ResourceId, TypeName};
use serde_json::Map;

use super::API_VERSIONS;
use crate::shape::{Field, Kind};
use crate::{Accepted, Delete, Document, Put, Rejection, Removal, ResourceType, State, Stored};

/// `Microsoft.Storage/storageAccounts/blobServices`.
#[derive(Clone, Copy, Debug)]
pub struct BlobService;

/// The only name.
const NAME: &str = "default";

const PROPERTIES: &[Field] = &[
    Field::new("cors", Kind::Any),
    Field::new("defaultServiceVersion", Kind::Text(32)),
    Field::new("deleteRetentionPolicy", Kind::Any),
    Field::new("containerDeleteRetentionPolicy", Kind::Any),
    Field::new("isVersioningEnabled", Kind::Bool),
    Field::new("automaticSnapshotPolicyEnabled", Kind::Bool),
    Field::new("changeFeed", Kind::Any),
    Field::new("restorePolicy", Kind::Any),
    Field::new("lastAccessTimeTrackingPolicy", Kind::Any),
];

/// The service that a new account has.
pub(super) fn of_account(account: &ResourceId) -> Option<Stored> {
    let document = Document {
        schema: Document::SCHEMA,
        location: None,
        tags: None,
        envelope: Map::new(),
        properties: Map::new(),
        internal: Map::new(),
        state: State::Succeeded,
        created_by: String::new(),
    };
    account.child("blobServices", NAME).ok().map(|id| Stored { id, document })
}

impl ResourceType for BlobService {
    fn name(&self) -> TypeName {
        "Microsoft.Storage/storageAccounts/blobServices".into()
    }

    fn api_versions(&self) -> &'static [&'static str] {
        API_VERSIONS
    }

    fn subject(&self) -> &'static str {
        "blobService"
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

    fn put_status(&self, _is_new: bool) -> u16 {
        200
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        if name == NAME {
            return Ok(());
        }
        let message = format!("The blob service of a storage account is called '{NAME}'; there is no other.");
        Err(Rejection::invalid("blobService.name", message))
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        Ok(Accepted { properties: put.wanted.clone(), ..Accepted::default() })
    }

    fn delete(&self, delete: &Delete<'_>) -> Result<Removal, Rejection> {
        // Without anything above it goes together with its account.
        if delete.above.is_empty() {
            return Ok(Removal::Gone);
        }
        let message = "The blob service goes with its storage account. Delete containers, or the account.";
        Err(Rejection::new(405, "MethodNotAllowed", message))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::BlobService;
    use crate::testing::{GROUP, Scene, stored};

    #[test]
    fn it_goes_only_with_its_account() {
        let account = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/acct");
        let mut scene = Scene::new(&BlobService, &format!("{account}/blobServices/default")).after(json!({}));
        assert!(scene.delete().is_ok());
        scene.parent = Some(stored(&account, json!({})));
        assert_eq!(scene.delete().unwrap_err().status, 405);
    }
}
