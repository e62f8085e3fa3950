//! What a gallery may be.

use arm::ResourceId;
use serde_json::{Map, Value, json};

use super::SoftDeletePolicy;
use crate::shape::at;
use crate::{Rejection, Stored};

const PERMISSIONS: &str = "sharingProfile.permissions";
const SOFT_DELETE: &str = "softDeletePolicy";
const COMMUNITY: &str = "sharingProfile.communityGalleryInfo";

/// The kind of sharing is chosen at creation (azure-api 8.2).
pub(super) fn permissions_are_kept(
    current: Option<&Stored>,
    wanted: &Map<String, Value>,
) -> Result<(), Rejection> {
    let Some(current) = current else { return Ok(()) };
    let stands = permissions(&current.document.properties).unwrap_or("Private");
    match permissions(wanted) {
        Some(asked) if asked != stands => {
            let target = format!("gallery.properties.{PERMISSIONS}");
            let message = format!(
                "Cannot update '{target}' from '{stands}' to '{asked}'. The kind of sharing is chosen when the gallery is created."
            );
            Err(Rejection::invalid(target, message))
        }
        _ => Ok(()),
    }
}

/// A community gallery tells who publishes it, where, under which terms and prefix.
pub(super) fn community_is_described_whole(wanted: &Map<String, Value>) -> Result<(), Rejection> {
    if permissions(wanted) != Some("Community") {
        return Ok(());
    }
    for name in ["publisherUri", "publisherContact", "eula", "publicNamePrefix"] {
        let path = format!("{COMMUNITY}.{name}");
        if at(wanted, &path).and_then(Value::as_str).is_none_or(str::is_empty) {
            let target = format!("gallery.properties.{path}");
            let message = format!("Required parameter '{target}' is missing (null).");
            return Err(Rejection::invalid(target, message));
        }
    }
    Ok(())
}

/// This release shares through role assignments only.
pub(super) fn sharing_is_private(wanted: &Map<String, Value>) -> Result<(), Rejection> {
    if let Some(asked) = permissions(wanted).filter(|asked| *asked != "Private") {
        return Err(Rejection::not_implemented(&format!("Sharing a gallery with permissions '{asked}'"))
            .at(format!("gallery.properties.{PERMISSIONS}")));
    }
    if at(wanted, COMMUNITY).is_some() {
        return Err(Rejection::not_implemented("Describing a gallery to a community")
            .at(format!("gallery.properties.{COMMUNITY}")));
    }
    Ok(())
}

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

/// `{subscription}-{NAME}`: how the gallery is called where it is shared.
pub(super) fn identifier(id: &ResourceId) -> Value {
    let subscription = id.subscription().unwrap_or_default();
    json!({"uniqueName": format!("{subscription}-{}", id.name().to_ascii_uppercase())})
}

/// A gallery's name is unique in its subscription, not only in its group.
pub(super) fn claim(id: &ResourceId) -> String {
    let subscription = id.subscription().unwrap_or_default().to_ascii_lowercase();
    format!("/subscriptions/{subscription}/galleries/{}", id.name().to_ascii_lowercase())
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

fn permissions(properties: &Map<String, Value>) -> Option<&str> {
    at(properties, PERMISSIONS).and_then(Value::as_str)
}
