//! What clients read right after signing in: tenants, subscriptions, and where things can be.
//!
//! Everyone in the tenant sees its subscriptions; what they may do there is for roles to say.

use serde_json::{Value, json};
use uuid::Uuid;

use super::verifier::Principal;
use super::{Identity, Subscription};

/// A region, as clients list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Its name in requests, such as `westeurope`.
    pub name: String,
    /// Its name for people, such as `West Europe`.
    pub display_name: String,
}

impl Identity {
    /// The body of `GET /tenants`.
    #[must_use]
    pub fn tenants(&self, asking: &Principal) -> Value {
        let tenant = self.directory.tenant();
        let of_asking = (tenant.id == asking.tenant_id).then(|| {
            json!({
                "id": format!("/tenants/{}", tenant.id),
                "tenantId": tenant.id,
                "displayName": tenant.display_name,
                "defaultDomain": tenant.domain,
                "domains": [tenant.domain],
                "tenantCategory": "Home",
                "tenantType": "AAD",
            })
        });
        json!({ "value": of_asking.into_iter().collect::<Vec<_>>() })
    }

    /// The body of `GET /subscriptions`.
    #[must_use]
    pub fn subscriptions(&self, asking: &Principal) -> Value {
        let seen: Vec<_> = self.seen_by(asking).map(|found| self.describe(found)).collect();
        json!({ "count": { "type": "Total", "value": seen.len() }, "value": seen })
    }

    /// The body of `GET /subscriptions/{id}`; `None` when the caller sees no such subscription.
    #[must_use]
    pub fn subscription(&self, asking: &Principal, id: Uuid) -> Option<Value> {
        self.seen_by(asking).find(|found| found.id == id).map(|found| self.describe(found))
    }

    /// The body of `GET /subscriptions/{id}/locations`; `None` as for [`Self::subscription`].
    #[must_use]
    pub fn locations(&self, asking: &Principal, id: Uuid, regions: &[Location]) -> Option<Value> {
        self.seen_by(asking).find(|found| found.id == id)?;
        let value: Vec<_> = regions
            .iter()
            .map(|Location { name, display_name }| {
                json!({
                    "id": format!("/subscriptions/{id}/locations/{name}"),
                    "name": name,
                    "type": "Region",
                    "displayName": display_name,
                    "regionalDisplayName": display_name,
                    "metadata": {
                        "regionType": "Physical",
                        "regionCategory": "Recommended",
                        "physicalLocation": display_name,
                        "pairedRegion": [],
                    },
                })
            })
            .collect();
        Some(json!({ "value": value }))
    }

    fn seen_by(&self, asking: &Principal) -> impl Iterator<Item = &Subscription> {
        let at_home = asking.tenant_id == self.directory.tenant().id;
        self.directory.subscriptions().iter().filter(move |_| at_home)
    }

    fn describe(&self, subscription: &Subscription) -> Value {
        let tenant = self.directory.tenant().id;
        json!({
            "id": format!("/subscriptions/{}", subscription.id),
            "subscriptionId": subscription.id,
            "tenantId": tenant,
            "displayName": subscription.display_name,
            "state": "Enabled",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionPolicies": {
                "locationPlacementId": "Internal_2014-09-01",
                "quotaId": "Internal_2014-09-01",
                "spendingLimit": "Off",
            },
        })
    }
}
