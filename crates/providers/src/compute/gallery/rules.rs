//! What a gallery may be.

use arm::ResourceId;
use serde_json::{Map, Value, json};

use super::SoftDeletePolicy;
use super::sharing::unique_name;
use crate::{Rejection, Stored};

const SOFT_DELETE: &str = "softDeletePolicy";

/// How long deleted versions are kept unless the policy says: Azure's seven days.
const RETENTION_DAYS: i64 = 7;

/// What a policy that was left out, or says nothing of its periods, means.
pub(super) fn settle_soft_delete(current: Option<&Stored>, properties: &mut Map<String, Value>) {
    let stands = current.and_then(|current| current.document.properties.get(SOFT_DELETE));
    if !properties.contains_key(SOFT_DELETE) {
        // Protection is not lost by leaving it out.
        properties.extend(stands.map(|policy| (SOFT_DELETE.to_owned(), policy.clone())));
    }
    if let Some(Value::Object(policy)) = properties.get_mut(SOFT_DELETE)
        && policy.get("isSoftDeleteEnabled") == Some(&Value::Bool(true))
    {
        policy.entry("retentionPeriodInDays").or_insert(RETENTION_DAYS.into());
    }
}

/// The policy of a gallery that keeps deleted versions.
pub(super) fn soft_delete_policy(properties: &Map<String, Value>) -> Option<SoftDeletePolicy> {
    let policy = properties.get(SOFT_DELETE).filter(|policy| policy["isSoftDeleteEnabled"] == true)?;
    let days = |name: &str| policy[name].as_i64();
    Some(SoftDeletePolicy {
        retention_days: days("retentionPeriodInDays").unwrap_or(RETENTION_DAYS),
        grace_days: days("gracePeriodInDays").unwrap_or(0),
    })
}

pub(super) fn identifier(id: &ResourceId) -> Value {
    json!({"uniqueName": unique_name(id)})
}

/// A gallery's name is unique in its subscription, not only in its group.
pub(super) fn claim(id: &ResourceId) -> String {
    claim_of(id.subscription().unwrap_or_default(), id.name())
}

/// The claim of the gallery `name` in `subscription`.
pub(super) fn claim_of(subscription: &str, name: &str) -> String {
    format!("/subscriptions/{subscription}/galleries/{name}").to_ascii_lowercase()
}

pub(super) fn name_is_taken(id: &ResourceId, holder: &ResourceId) -> Rejection {
    let group = holder.group().unwrap_or_default();
    let message = format!(
        "The gallery name '{}' is not unique within the subscription '{}': resource group '{group}' has one of that name. Choose another name.",
        id.name(),
        id.subscription().unwrap_or_default(),
    );
    Rejection::conflict("Conflict", message).at("gallery.name")
}
