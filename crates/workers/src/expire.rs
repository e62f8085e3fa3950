//! Removes what was left to expire: uploads that nobody ended, and operations nobody will ask about any more.

use std::sync::Arc;
use std::time::Duration;

use arm::ResourceId;
use control::{Clock, Engine, stored_of};
use jiff::{SignedDuration, Timestamp};
use metadata::{Change, Expect, Listing, Row};
use tokio_util::sync::CancellationToken;

use crate::{Error, Uploads};

/// How long an ended operation can still be asked about.
const OPERATION_DAYS: i64 = 7;

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
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "expired uploads and operations were not removed"
            );
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
        let listing = Listing::OfType { scope, type_name: "Gallerist.Images/uploads".to_owned() };
        let mut cursor = None;
        loop {
            let page = engine.metadata().list(&listing, cursor.as_ref(), 500).await?;
            let Some(last) = page.last() else { break };
            cursor = Some(listing.cursor_after(last));
            for row in &page {
                remove_expired(engine, uploads, now, row).await?;
            }
        }
    }
    Ok(())
}

/// Removes an upload whose time is over, unless somebody writes it meanwhile.
async fn remove_expired(engine: &Engine, uploads: &Uploads, now: Timestamp, row: &Row) -> Result<(), Error> {
    let document = stored_of(row)?.document;
    let expires = document.properties.get("expiresAt").and_then(serde_json::Value::as_str);
    let expires = expires.and_then(|text| text.parse::<Timestamp>().ok());
    if expires.is_none_or(|expires| expires >= now) {
        return Ok(());
    }
    uploads.forget(&row.id);
    let expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
    let change = Change { expect, delete: vec![row.id.clone()], ..Change::default() };
    match engine.metadata().commit(change).await {
        Ok(()) => engine.bytes_released().notify_one(),
        Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
