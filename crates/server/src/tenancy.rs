//! The directory as the engine asks it.

use std::collections::BTreeSet;
use std::sync::Arc;

use arm::Region;
use serde_json::Value;
use uuid::Uuid;

use crate::identity::{self, Identity, Location, PrincipalKind};

/// Tenants, subscriptions and locations out of the identity directory.
pub(crate) struct Tenancy {
    identity: Arc<Identity>,
    locations: Vec<Location>,
}

impl Tenancy {
    pub(crate) fn new(identity: Arc<Identity>, regions: &BTreeSet<Region>) -> Self {
        let locations = regions
            .iter()
            .map(|region| Location {
                name: region.to_string(),
                display_name: region.display_name().to_owned(),
            })
            .collect();
        Self { identity, locations }
    }
}

/// The caller in the identity's terms again; ids that are no GUIDs belong to nobody.
fn asking(principal: &control::Principal) -> identity::Principal {
    let id = |text: &str| text.parse().unwrap_or(Uuid::nil());
    identity::Principal {
        object_id: id(&principal.object_id),
        tenant_id: id(&principal.tenant_id),
        client_id: Uuid::nil(),
        name: principal.name.clone(),
        kind: PrincipalKind::ServicePrincipal,
    }
}

impl control::Directory for Tenancy {
    fn has_subscription(&self, id: &str) -> bool {
        let known = self.identity.directory().subscriptions();
        id.parse::<Uuid>().is_ok_and(|id| known.iter().any(|subscription| subscription.id == id))
    }

    fn tenants(&self, principal: &control::Principal) -> Value {
        self.identity.tenants(&asking(principal))
    }

    fn subscriptions(&self, principal: &control::Principal) -> Value {
        self.identity.subscriptions(&asking(principal))
    }

    fn subscription(&self, principal: &control::Principal, id: &str) -> Value {
        let found = id.parse().ok().and_then(|id| self.identity.subscription(&asking(principal), id));
        found.unwrap_or(Value::Null)
    }

    fn locations(&self, principal: &control::Principal, id: &str) -> Value {
        let found =
            id.parse().ok().and_then(|id| self.identity.locations(&asking(principal), id, &self.locations));
        found.unwrap_or(Value::Null)
    }
}
