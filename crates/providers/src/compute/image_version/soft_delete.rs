//! Soft delete: a deleted version stands aside for a time, from where it can be taken back (azure-api 9.2).
//!
//! It stands below its definition, so that neither that nor the gallery can go while it does, and it keeps its
//! bytes. How long is decided when it is deleted: a policy that changes later changes nothing for it.

use arm::ResourceId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{ImageVersion, rules};
use crate::compute::gallery::{self, SoftDeletePolicy};
use crate::shape::merge;
use crate::{Accepted, Delete, Document, Put, Rejection, Removal, State, Stored, Work};

/// The type of the rows in which soft-deleted versions stand: no client names it.
pub const SOFT_DELETED: &str = "Microsoft.Compute/galleries/images/softDeletedVersions";

const SEGMENT: &str = "softDeletedVersions";
/// The server's note of when it was deleted and how long it is kept.
const NOTE: &str = "softDeleted";
const RESTORE: &str = "galleryImageVersion.properties.restore";

/// When a soft-deleted version went, and when what is left of it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftDeleted {
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// From here on nothing may be made of it; it can still be restored.
    pub consumption_ends_at: Timestamp,
    /// From here on it is gone for good.
    pub purged_at: Timestamp,
}

impl SoftDeleted {
    /// The note in a row of the type [`SOFT_DELETED`].
    #[must_use]
    pub fn of(document: &Document) -> Option<Self> {
        let note = document.internal.get(NOTE)?;
        let moment = |name: &str| note.get(name)?.as_str()?.parse().ok();
        Some(Self {
            deleted_at: moment("deletedAt")?,
            consumption_ends_at: moment("consumptionEndsAt")?,
            purged_at: moment("purgedAt")?,
        })
    }

    fn after(policy: SoftDeletePolicy, now: Timestamp) -> Self {
        let later = |from: Timestamp, days: i64| {
            from.saturating_add(SignedDuration::from_hours(days.saturating_mul(24))).unwrap_or(Timestamp::MAX)
        };
        let consumption_ends_at = later(now, policy.retention_days);
        Self {
            deleted_at: now,
            consumption_ends_at,
            purged_at: later(consumption_ends_at, policy.grace_days),
        }
    }

    fn note(self) -> Value {
        json!({
            "deletedAt": self.deleted_at.to_string(),
            "consumptionEndsAt": self.consumption_ends_at.to_string(),
            "purgedAt": self.purged_at.to_string(),
        })
    }

    /// `properties` of the soft-deleted version `id`, as it is listed.
    #[must_use]
    pub fn properties(self, id: &ResourceId) -> Value {
        json!({
            "resourceArmId": id.to_string(),
            "softDeletedArtifactType": "Images",
            "softDeletedTime": arm::wire_time(self.deleted_at),
            "consumptionEndTime": arm::wire_time(self.consumption_ends_at),
            "hardDeletionTargetTime": arm::wire_time(self.purged_at),
        })
    }
}

/// Where `version` stands while it is soft-deleted.
#[must_use]
pub fn aside(version: &ResourceId) -> Option<ResourceId> {
    version.parent()?.child(SEGMENT, version.name()).ok()
}

/// The type under which clients see soft-deleted versions.
pub const SOFT_DELETED_ARTIFACT: &str =
    "Microsoft.Compute/galleries/softDeletedArtifactTypes/artifacts/versions";

/// `…/galleries/G/softDeletedArtifactTypes/Images/artifacts/D/versions/V`: how clients name a soft-deleted `version`,
/// or the row in which it stands.
#[must_use]
pub fn artifact(version: &ResourceId) -> Option<ResourceId> {
    let definition = version.parent()?;
    let artifacts = definition.parent()?.child("softDeletedArtifactTypes", "Images").ok()?;
    artifacts.child("artifacts", definition.name()).ok()?.child("versions", version.name()).ok()
}

/// The version that a row of the type [`SOFT_DELETED`] was.
#[must_use]
pub fn version_of(aside: &ResourceId) -> Option<ResourceId> {
    aside.parent()?.child("versions", aside.name()).ok()
}

/// What a DELETE that is allowed comes to.
pub(super) fn removal(delete: &Delete<'_>) -> Removal {
    let document = &delete.stored.document;
    let gallery = delete.above.get(1).map(|gallery| &gallery.document.properties);
    let policy = gallery.and_then(gallery::soft_delete_policy);
    match (policy, aside(&delete.stored.id)) {
        (Some(policy), Some(id)) if !delete.query.bypass_soft_delete && is_recoverable(document) => {
            let mut document = document.clone();
            document.state = State::Succeeded;
            document.internal.insert(NOTE.to_owned(), SoftDeleted::after(policy, delete.now).note());
            Removal::Becomes(Box::new(Stored { id, document }))
        }
        _ => Removal::Gone,
    }
}

/// Whether there is something to take back: a version that failed, or has no bytes yet, is deleted for good.
fn is_recoverable(document: &Document) -> bool {
    matches!(document.state, State::Succeeded | State::Updating) && document.internal.contains_key("root")
}

/// What a PUT comes to that meets a soft-deleted version of its number; `None` when it meets none.
///
/// # Errors
/// 409 for a PUT that would make another version of the number, 400 for `restore` with nothing to restore.
pub(super) fn restored(put: &Put<'_>) -> Result<Option<Accepted>, Rejection> {
    let asks = put.directives.get("restore") == Some(&Value::Bool(true));
    let stands_aside = aside(put.id).and_then(|id| put.linked.get(&id.key()));
    match (put.current, stands_aside) {
        (None, None) if asks => Err(nothing_to_restore(put.id)),
        (Some(_), _) | (None, None) => Ok(None),
        (None, Some(_)) if names_a_source(put.wanted.get("storageProfile")) => Err(number_is_taken(put.id)),
        (None, Some(deleted)) => take_back(put, deleted).map(Some),
    }
}

fn take_back(put: &Put<'_>, deleted: &Stored) -> Result<Accepted, Rejection> {
    let mut internal = deleted.document.internal.clone();
    internal.remove(NOTE);
    let mut properties = deleted.document.properties.clone();
    if let Some(safety) = put.wanted.get("safetyProfile") {
        let said = Map::from_iter([("safetyProfile".to_owned(), safety.clone())]);
        properties = merge(&properties, said);
        rules::blocking_needs_an_end(&properties)?;
    }
    Ok(Accepted {
        properties,
        internal: Some(internal),
        instead_of: Some(deleted.id.clone()),
        // The job says again where it stands complete, and copies where it had not got to.
        work: Some(Work { kind: ImageVersion::PUBLISH, input: json!({"source": null}) }),
        ..Accepted::default()
    })
}

/// Whether a storage profile says of what to make a version.
fn names_a_source(profile: Option<&Value>) -> bool {
    let says = |source: &Value| {
        let members = source.as_object().into_iter().flatten();
        members.into_iter().any(|(_, value)| value.as_str().is_some_and(|text| !text.is_empty()))
    };
    let Some(profile) = profile else { return false };
    let data_disks = profile["dataDiskImages"].as_array().into_iter().flatten();
    let sources = data_disks.map(|disk| &disk["source"]);
    sources.chain([&profile["source"], &profile["osDiskImage"]["source"]]).any(says)
}

fn number_is_taken(id: &ResourceId) -> Rejection {
    let message = format!(
        "The gallery image version '{}' is soft-deleted: its number cannot be created anew. Restore it with a PUT that has no source or 'properties.restore' set to true, or purge it with a DELETE of its entry under softDeletedArtifactTypes.",
        id.name()
    );
    Rejection::conflict("Conflict", message).at("galleryImageVersion.name")
}

fn nothing_to_restore(id: &ResourceId) -> Rejection {
    let message = format!(
        "There is no soft-deleted gallery image version '{}' to restore. List what there is under softDeletedArtifactTypes.",
        id.name()
    );
    Rejection::invalid(RESTORE, message)
}
