//! Removes what was left to expire: uploads that nobody ended, soft-deleted versions that nobody took back, and
//! operations nobody will ask about any more.

use std::sync::Arc;
use std::time::Duration;

use arm::ResourceId;
use control::{Clock, Engine, stored_of};
use jiff::{SignedDuration, Timestamp};
use metadata::{ActivityEntry, Change, Expect, Listing, Row};
use providers::Document;
use providers::compute::image_version::{SOFT_DELETED, SOFT_DELETED_ARTIFACT, SoftDeleted, artifact};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{Error, Uploads};

/// How long an ended operation can still be asked about.
const OPERATION_DAYS: i64 = 7;
/// Most rows of one type that one sweep removes, and a page more; the next goes on.
const SWEEP_ROWS: usize = 10_000;

/// Sweeps every `pause` until `stop`.
pub async fn run(
    engine: Arc<Engine>,
    uploads: Arc<Uploads>,
    clock: Arc<dyn Clock>,
    subscriptions: Vec<String>,
    pause: Duration,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        if let Err(error) = sweep(&engine, &uploads, clock.now(), &subscriptions).await {
            tracing::error!(error = &error as &dyn std::error::Error, "what has expired was not removed");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}

pub(crate) async fn sweep(
    engine: &Engine,
    uploads: &Uploads,
    now: Timestamp,
    subscriptions: &[String],
) -> Result<(), Error> {
    let days = SignedDuration::from_hours(24 * OPERATION_DAYS);
    engine.metadata().forget_jobs(now.saturating_sub(days).unwrap_or(Timestamp::MIN)).await?;
    for subscription in subscriptions {
        let scope = ResourceId::subscription_scope(subscription)
            .map_err(|error| Error::Document(error.to_string()))?;
        for row in ended(engine, now, &scope, "Gallerist.Images/uploads", upload_end).await? {
            uploads.forget(&row.id);
            remove(engine, &row, Vec::new()).await?;
        }
        for row in ended(engine, now, &scope, SOFT_DELETED, soft_delete_end).await? {
            let activity = artifact(&row.id).map(|target| purge(target, now));
            if remove(engine, &row, activity.into_iter().collect()).await? {
                tracing::info!(resource.id = %row.id, "purged {}: its time after soft delete is over", row.id);
            }
        }
    }
    Ok(())
}

/// When an upload that nobody ends is removed.
fn upload_end(document: &Document) -> Option<Timestamp> {
    document.properties.get("expiresAt")?.as_str()?.parse().ok()
}

/// When a soft-deleted version is gone for good.
fn soft_delete_end(document: &Document) -> Option<Timestamp> {
    SoftDeleted::of(document).map(|deleted| deleted.purged_at)
}

/// What the activity log says of a version that nobody took back in time.
fn purge(target: ResourceId, at: Timestamp) -> ActivityEntry {
    ActivityEntry {
        target,
        at,
        action: format!("{SOFT_DELETED_ARTIFACT}/delete"),
        caller: String::new(),
        correlation_id: String::new(),
        document: json!({"status": "Succeeded", "subStatus": "OK"}),
    }
}

/// Rows of one type in `scope` whose time is over.
async fn ended(
    engine: &Engine,
    now: Timestamp,
    scope: &ResourceId,
    type_name: &str,
    end: fn(&Document) -> Option<Timestamp>,
) -> Result<Vec<Row>, Error> {
    let listing = Listing::OfType { scope: scope.clone(), type_name: type_name.to_owned() };
    let (mut cursor, mut rows) = (None, Vec::new());
    while rows.len() < SWEEP_ROWS {
        let page = engine.metadata().list(&listing, cursor.as_ref(), 500).await?;
        let Some(last) = page.last() else { break };
        cursor = Some(listing.cursor_after(last));
        for row in page {
            if end(&stored_of(&row)?.document).is_some_and(|end| end <= now) {
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

/// Removes a row whose time is over, unless somebody writes it meanwhile; answers whether it did.
async fn remove(engine: &Engine, row: &Row, activity: Vec<ActivityEntry>) -> Result<bool, Error> {
    let expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
    let change = Change { expect, delete: vec![row.id.clone()], activity, ..Change::default() };
    match engine.metadata().commit(change).await {
        Ok(()) => {
            engine.bytes_released().notify_one();
            Ok(true)
        }
        Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
