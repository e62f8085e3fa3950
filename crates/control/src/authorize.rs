//! Who may do what: decided here, once, for every request.
//!
//! In this release an authority is a set of owners, who may do everything; roles and assignments take its place.

use std::collections::HashSet;

use arm::ResourceId;
use providers::Rejection;

use crate::refusals;

/// Who is calling, as the token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The object id: what grants are for.
    pub object_id: String,
    /// The tenant that vouches for it.
    pub tenant_id: String,
    /// The application or user name, for people.
    pub name: String,
}

/// Who may do what.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    owners: HashSet<String>,
}

impl Authority {
    /// An authority under which `owners` (object ids) may do everything and nobody else anything.
    #[must_use]
    pub fn of_owners(owners: impl IntoIterator<Item = String>) -> Self {
        Self { owners: owners.into_iter().collect() }
    }

    /// Refuses `action` on `scope` unless `principal` may do it.
    ///
    /// # Errors
    /// 403 `AuthorizationFailed`, the same for what exists and what does not.
    pub fn check(&self, principal: &Principal, action: &str, scope: &ResourceId) -> Result<(), Rejection> {
        if self.owners.contains(&principal.object_id) {
            return Ok(());
        }
        Err(refusals::authorization_failed(&principal.name, &principal.object_id, action, &scope.to_string()))
    }

    /// As [`Authority::check`] for a resource that a body points at.
    ///
    /// # Errors
    /// 403 `LinkedAuthorizationFailed`.
    pub(crate) fn check_link(
        &self,
        principal: &Principal,
        action: &str,
        id: &ResourceId,
    ) -> Result<(), Rejection> {
        self.check(principal, action, id)
            .map_err(|_refused| refusals::linked_authorization_failed(action, &id.to_string()))
    }
}
