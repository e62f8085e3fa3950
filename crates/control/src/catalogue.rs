//! What is there to use: providers, their types, tenants, subscriptions, locations.

use providers::ResourceType;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::reply::Reply;
use crate::route::DirectoryPath;
use crate::{Error, Principal, refusals};

/// Tenants and subscriptions: who there is, kept outside the rows.
pub trait Directory: Send + Sync {
    /// Whether a subscription exists (ids compare without case).
    fn has_subscription(&self, id: &str) -> bool;
    /// The body of `GET /tenants` for this caller.
    fn tenants(&self, principal: &Principal) -> Value;
    /// The body of `GET /subscriptions` for this caller.
    fn subscriptions(&self, principal: &Principal) -> Value;
    /// The body of `GET /subscriptions/{id}`; it exists.
    fn subscription(&self, principal: &Principal, id: &str) -> Value;
    /// The body of `GET /subscriptions/{id}/locations`; it exists.
    fn locations(&self, principal: &Principal, id: &str) -> Value;
}

impl Engine {
    pub(crate) fn directory_document(
        &self,
        principal: &Principal,
        path: &DirectoryPath,
    ) -> Result<Reply, Error> {
        let known = |id: &str| -> Result<(), Error> {
            if self.directory.has_subscription(id) {
                Ok(())
            } else {
                Err(refusals::subscription_not_found(id).into())
            }
        };
        let body = match path {
            DirectoryPath::Tenants => self.directory.tenants(principal),
            DirectoryPath::Subscriptions => self.directory.subscriptions(principal),
            DirectoryPath::Subscription(id) => {
                known(id)?;
                self.directory.subscription(principal, id)
            }
            DirectoryPath::Locations(id) => {
                known(id)?;
                self.directory.locations(principal, id)
            }
        };
        Ok(Reply::json(200, body))
    }

    /// The providers as `az provider` and `az resource` read them; all are registered, always.
    pub(crate) fn providers_document(
        &self,
        subscription: Option<&str>,
        namespace: Option<&str>,
    ) -> Result<Reply, Error> {
        let namespaces = self.registry.namespaces();
        let describe = |spelling: &str, kinds: &[&'static dyn ResourceType]| {
            self.provider(subscription, spelling, kinds)
        };
        match namespace {
            Some(name) => {
                let found = namespaces.get(&name.to_ascii_lowercase());
                // Clients ask for providers we do not have (Microsoft.Network before a VM); an empty one is an answer.
                let body =
                    found.map_or_else(|| describe(name, &[]), |(spelling, kinds)| describe(spelling, kinds));
                Ok(Reply::json(200, body))
            }
            None => {
                let all: Vec<Value> =
                    namespaces.values().map(|(spelling, kinds)| describe(spelling, kinds)).collect();
                Ok(Reply::json(200, json!({ "value": all })))
            }
        }
    }

    fn provider(
        &self,
        subscription: Option<&str>,
        namespace: &str,
        kinds: &[&'static dyn ResourceType],
    ) -> Value {
        let locations: Vec<&str> = self.regions.iter().map(arm::Region::display_name).collect();
        let types: Vec<Value> = kinds
            .iter()
            .map(|kind| {
                let mut versions = kind.api_versions().to_vec();
                versions.sort_unstable_by(|a, b| b.cmp(a));
                let places: &[&str] = if kind.is_located() { &locations } else { &[] };
                json!({"resourceType": kind.name().path(), "locations": places, "apiVersions": versions, "defaultApiVersion": versions.first(), "capabilities": "None"})
            })
            .collect();
        let scope = subscription.map_or_else(String::new, |id| format!("/subscriptions/{id}"));
        json!({
            "id": format!("{scope}/providers/{namespace}"),
            "namespace": namespace,
            "resourceTypes": types,
            "registrationState": "Registered",
            "registrationPolicy": "RegistrationFree",
        })
    }
}
