//! Removes what was left to expire: uploads that nobody ended, soft-deleted versions that nobody took back, access to
//! disks whose time is over, files under way that nothing names any more, and operations nobody will ask about.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arm::ResourceId;
use control::{Clock, Engine, Ids, row_of, stored_of};
use jiff::{SignedDuration, Timestamp};
use metadata::{ActivityEntry, Change, Cursor, Expect, Listing, Row, Store};
use providers::Document;
use providers::compute::disk::{Grant, end_grant};
use providers::compute::image_version::{SOFT_DELETED, SOFT_DELETED_ARTIFACT, SoftDeleted, artifact};
use providers::storage::blob;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Error, Staging, Uploads};

/// How long an ended operation can still be asked about.
const OPERATION_DAYS: i64 = 7;
/// Most rows of one type that one sweep removes, and a page more; the next goes on.
const SWEEP_ROWS: usize = 10_000;
const UPLOADS: &str = "Gallerist.Images/uploads";

/// The types whose rows may name files under way.
const STAGING: [&str; 3] = ["Microsoft.Compute/disks", "Microsoft.Compute/snapshots", blob::TYPE];
/// How the server's notes name such files.
const NAMES: [&str; 2] = ["staged", "stagedBlocks"];

/// What is swept.
#[derive(Clone)]
pub struct Sweeper {
    /// Rows.
    pub engine: Arc<Engine>,
    /// Uploads under way.
    pub uploads: Arc<Uploads>,
    /// Files under way.
    pub staging: Staging,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// All subscriptions there are.
    pub subscriptions: Vec<String>,
}

impl std::fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sweeper").field("subscriptions", &self.subscriptions).finish_non_exhaustive()
    }
}

impl Sweeper {
    /// Sweeps every `pause` until `stop`.
    pub async fn run(self, pause: Duration, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.sweep().await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "not everything that is over was removed"
                );
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    pub(crate) async fn sweep(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let days = SignedDuration::from_hours(24 * OPERATION_DAYS);
        self.engine.metadata().forget_jobs(now.saturating_sub(days).unwrap_or(Timestamp::MIN)).await?;
        for row in self.ended(UPLOADS, now, upload_end).await? {
            self.uploads.forget(&row.id);
            self.remove(&row, Vec::new()).await?;
        }
        for row in self.ended(SOFT_DELETED, now, soft_delete_end).await? {
            let activity = artifact(&row.id).map(|target| purge(target, now));
            if self.remove(&row, activity.into_iter().collect()).await? {
                tracing::info!(resource.id = %row.id, "purged {}: its time after soft delete is over", row.id);
            }
        }
        // Files before rows: one that is made meanwhile was named before.
        let (found, mut named) = (self.staging.names().map_err(Error::Staging)?, HashSet::new());
        for kind in STAGING {
            let mut pages = self.pages(kind)?;
            while let Some(page) = pages.next().await? {
                for row in page {
                    let document = stored_of(&row)?.document;
                    let name = |name| document.internal.get(name)?.as_str()?.parse::<Uuid>().ok();
                    named.extend(NAMES.into_iter().filter_map(name));
                    self.end_expired_grant(row, document, now).await?;
                }
            }
        }
        self.staging.keep_only(&found, &named).map_err(Error::Staging)?;
        Ok(())
    }

    /// Rows of one type whose time is over.
    async fn ended(
        &self,
        type_name: &str,
        now: Timestamp,
        end: fn(&Document) -> Option<Timestamp>,
    ) -> Result<Vec<Row>, Error> {
        let (mut pages, mut rows) = (self.pages(type_name)?, Vec::new());
        while rows.len() < SWEEP_ROWS
            && let Some(page) = pages.next().await?
        {
            for row in page {
                if end(&stored_of(&row)?.document).is_some_and(|end| end <= now) {
                    rows.push(row);
                }
            }
        }
        Ok(rows)
    }

    /// Removes a row whose time is over, unless somebody writes it meanwhile; answers whether it did.
    async fn remove(&self, row: &Row, activity: Vec<ActivityEntry>) -> Result<bool, Error> {
        let expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
        let change = Change { expect, delete: vec![row.id.clone()], activity, ..Change::default() };
        match self.engine.metadata().commit(change).await {
            Ok(()) => {
                self.engine.bytes_released().notify_one();
                Ok(true)
            }
            Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The rows of a type, page by page.
    fn pages(&self, type_name: &str) -> Result<Pages, Error> {
        let listing = |subscription: &String| {
            let scope = ResourceId::subscription_scope(subscription)
                .map_err(|error| Error::Document(error.to_string()))?;
            Ok(Listing::OfType { scope, type_name: type_name.to_owned() })
        };
        let listings = self.subscriptions.iter().map(listing).collect::<Result<_, Error>>()?;
        Ok(Pages { rows: self.engine.metadata().clone(), listings, cursor: None })
    }

    /// Notes that an access is over, unless somebody writes the disk meanwhile; the clock refuses it before that.
    async fn end_expired_grant(&self, row: Row, mut document: Document, now: Timestamp) -> Result<(), Error> {
        let is_over = Grant::of(&document.internal).is_some_and(|grant| grant.expires <= now);
        if !is_over || row.operation.is_some() {
            return Ok(());
        }
        end_grant(&mut document.properties, &mut document.internal);
        let mut written = row_of(&row, &document)?;
        written.etag = self.ids.uuid().to_string();
        let expect = vec![Expect::Unchanged(row.id, row.etag)];
        match self.engine.metadata().commit(Change { expect, put: vec![written], ..Change::default() }).await
        {
            Ok(()) | Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Listings read one after the other.
struct Pages {
    rows: Arc<dyn Store>,
    listings: Vec<Listing>,
    cursor: Option<Cursor>,
}

impl Pages {
    async fn next(&mut self) -> Result<Option<Vec<Row>>, Error> {
        while let Some(listing) = self.listings.last() {
            let page = self.rows.list(listing, self.cursor.as_ref(), 500).await?;
            if let Some(last) = page.last() {
                self.cursor = Some(listing.cursor_after(last));
                return Ok(Some(page));
            }
            self.listings.pop();
            self.cursor = None;
        }
        Ok(None)
    }
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
