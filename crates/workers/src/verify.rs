//! `gallerist verify`: reads rows and stores and lists what should not be.
//!
//! The checks are the invariants that every promise comes down to: I1 published versions are whole where they say
//! they are, I2 nothing is kept that nothing refers to, I4 resources hang together, I7 nothing temporary is left,
//! I8 every operation has ended or can go on.
//!
//! Uploads and operations that have not ended may have bytes that nothing refers to yet, and files they are writing.

use std::collections::{BTreeSet, HashMap, HashSet};

use arm::{Region, ResourceId};
use control::stored_of;
use metadata::{JobState, Listing, Row, Store};
use providers::{Document, State};
use store::{Digest, Owner};

use crate::collect::open_owners;
use crate::image::Images;
use crate::regions::aside;
use crate::replicas::{self, ReplicaState};
use crate::{Error, Regions};

/// Something that should not be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// Which invariant, `I1`.
    pub invariant: &'static str,
    /// Where: a resource, or a region and what is in it.
    pub place: String,
    /// What is wrong.
    pub finding: String,
}

/// What a verification looked at and found.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Resources read.
    pub resource_count: u64,
    /// Image versions among them.
    pub version_count: u64,
    /// Copies of versions that were read whole.
    pub replica_count: u64,
    /// Chunks whose bytes were checked.
    pub chunk_count: u64,
    /// Bytes of the packs that were read.
    pub stored_bytes: u64,
    /// Operations that have not ended (they go on when the server runs).
    pub open_operation_count: u64,
    /// What should not be; empty when all is well.
    pub violations: Vec<Violation>,
}

/// What rows say about images, by region.
#[derive(Default)]
struct Claims {
    /// Must be there whole.
    complete: HashMap<Region, BTreeSet<Digest>>,
    /// Are kept where they are there.
    held: HashMap<Region, BTreeSet<Digest>>,
}

impl Verification {
    fn report(&mut self, invariant: &'static str, place: impl Into<String>, finding: impl Into<String>) {
        self.violations.push(Violation { invariant, place: place.into(), finding: finding.into() });
    }
}

/// Reads everything; `progress` is told (bytes done, bytes in all) of each region in turn.
///
/// # Errors
/// When rows or folders cannot be read at all; what is merely wrong is in the answer.
pub async fn verify(
    rows: &dyn Store,
    regions: &Regions,
    subscriptions: &[String],
    progress: &(dyn Fn(&Region, u64, u64) + Send + Sync),
) -> Result<Verification, Error> {
    let mut found = Verification::default();
    let mut owners = open_owners(rows, subscriptions).await?;
    let mut claims = Claims::default();
    for subscription in subscriptions {
        let scope = ResourceId::subscription_scope(subscription)
            .map_err(|error| Error::Document(error.to_string()))?;
        let mut cursor = None;
        let listing = Listing::Within { scope };
        loop {
            let page = rows.list(&listing, cursor.as_ref(), 500).await?;
            let Some(last) = page.last() else { break };
            cursor = Some(listing.cursor_after(last));
            for row in &page {
                check_row(rows, row, &mut found, &mut claims).await?;
            }
        }
    }
    check_operations(rows, &mut found).await?;
    let mut reports = Vec::new();
    for (region, store) in regions.iter() {
        let mut wanted = claims.complete.remove(region).unwrap_or_default();
        let held = claims.held.remove(region).unwrap_or_default();
        let store = match store {
            Ok(store) => store,
            Err(error) => {
                found.report("I1", region.to_string(), format!("cannot be opened: {}", kind_of(&error)));
                continue;
            }
        };
        wanted.extend(held.into_iter().filter(|root| store.has(root)));
        let roots: Vec<Digest> = wanted.into_iter().collect();
        let read = || store.verify(&roots, &|seen| progress(region, seen.done_bytes, seen.total_bytes));
        reports.push((region, aside(read)?));
    }
    // Also what has begun to write meanwhile is at work.
    owners.extend(open_owners(rows, subscriptions).await?);
    for (region, report) in &reports {
        check_region(region, report, &owners, &mut found);
    }
    for region in claims.complete.keys() {
        found.report(
            "I1",
            region.to_string(),
            "versions claim to be in a region that this installation does not have",
        );
    }
    Ok(found)
}

/// What kept a region from being opened, without its paths.
fn kind_of(error: &store::Error) -> String {
    match error {
        store::Error::Unavailable { source, .. } => source.kind().to_string(),
        store::Error::Busy { .. } => "another process uses it".to_owned(),
        other => other.to_string(),
    }
}

async fn check_row(
    rows: &dyn Store,
    row: &Row,
    found: &mut Verification,
    claims: &mut Claims,
) -> Result<(), Error> {
    found.resource_count += 1;
    let id = row.id.to_string();
    let document = match stored_of(row) {
        Ok(stored) => stored.document,
        Err(error) => {
            found.report("I4", id, format!("the row cannot be read: {error}"));
            return Ok(());
        }
    };
    if let Some(parent) = row.id.parent().filter(|parent| parent.pairs().len() > 1)
        && rows.row(&parent).await?.is_none()
    {
        found.report("I4", id.clone(), "its parent does not exist");
    }
    let is_version = row.id.type_name().is("Microsoft.Compute/galleries/images/versions");
    found.version_count += u64::from(is_version);
    check_operation_of(rows, row, document.state, found).await?;
    let Some(images) = Images::of(&document) else {
        if document.state == State::Succeeded && has_bytes_when_done(row, &document) {
            found.report("I1", id, "it says Succeeded and has no image");
        }
        return Ok(());
    };
    if !is_version && row.holds.is_empty() {
        found.report("I2", id.clone(), "its bytes are held by nothing");
    }
    let replicas = if is_version { replicas::read(rows, &row.id).await? } else { Vec::new() };
    for (region, replica) in replicas {
        if replica.state == ReplicaState::Completed {
            found.replica_count += 1;
            claims.complete.entry(region.clone()).or_default().extend(images.all().map(|image| image.root));
            if !images.holds(std::slice::from_ref(&region)).iter().all(|hold| row.holds.contains(hold)) {
                found.report("I2", id.clone(), format!("its copy in {region} is held by nothing"));
            }
        }
    }
    for (region, digest) in row.holds.iter().filter_map(|hold| hold.split_once('/')) {
        if let (Ok(region), Ok(digest)) = (region.parse::<Region>(), digest.parse::<Digest>()) {
            // A region that a version is still to be copied to has no root of it yet.
            let kept = if is_version { &mut claims.held } else { &mut claims.complete };
            kept.entry(region).or_default().insert(digest);
        }
    }
    Ok(())
}

/// Whether a resource that says Succeeded must have an image: all of its type have, but for disks under upload.
fn has_bytes_when_done(row: &Row, document: &Document) -> bool {
    let kind = row.id.type_name();
    let waits = document.internal.contains_key("staged");
    kind.is("Microsoft.Compute/galleries/images/versions")
        || kind.is("Microsoft.Compute/images")
        || (!waits && (kind.is("Microsoft.Compute/disks") || kind.is("Microsoft.Compute/snapshots")))
}

/// A row in progress must have an operation that can still end.
async fn check_operation_of(
    rows: &dyn Store,
    row: &Row,
    state: State,
    found: &mut Verification,
) -> Result<(), Error> {
    let busy = matches!(state, State::Creating | State::Updating | State::Deleting);
    let job = match row.operation {
        Some(operation) => rows.job(operation).await?,
        None => None,
    };
    let open = job.as_ref().is_some_and(|job| matches!(job.state, JobState::Waiting | JobState::Running));
    if busy && !open {
        found.report(
            "I8",
            row.id.to_string(),
            format!("it says {} and no operation will end that", state.as_str()),
        );
    }
    if row.operation.is_some() && !open {
        found.report("I7", row.id.to_string(), "an operation that has ended still owns it");
    }
    Ok(())
}

async fn check_operations(rows: &dyn Store, found: &mut Verification) -> Result<(), Error> {
    for id in rows.open_jobs().await? {
        found.open_operation_count += 1;
        let Some(job) = rows.job(id).await? else { continue };
        if rows.row(&job.target).await?.is_none() {
            found.report(
                "I8",
                job.target.to_string(),
                format!("operation {id} works on a resource that does not exist"),
            );
        }
    }
    Ok(())
}

fn check_region(
    region: &Region,
    report: &store::Report,
    open_owners: &HashSet<Owner>,
    found: &mut Verification,
) {
    found.chunk_count += report.chunk_count;
    found.stored_bytes += report.stored_bytes;
    let place = |what: &str| format!("{region}: {what}");
    for image in &report.broken_images {
        let words = format!("{} bytes of the image are lost or damaged", image.lost_bytes);
        found.report("I1", place(&image.root.to_string()), words);
    }
    for digest in &report.corrupt {
        found.report("I1", place(&digest.to_string()), "the stored bytes are damaged");
    }
    for pack in &report.damaged_packs {
        found.report("I1", place(&pack.name), format!("the pack is damaged: {}", pack.reason));
    }
    // Nothing can refer to what is damaged; that it is damaged has been said.
    let is_damaged = |name: &str| report.damaged_packs.iter().any(|damaged| damaged.name == name);
    let left_over = report.unreferenced_packs.iter();
    for pack in left_over.filter(|pack| !open_owners.contains(&pack.owner) && !is_damaged(&pack.name)) {
        found.report("I2", place(&pack.name), format!("{} bytes that nothing refers to", pack.bytes));
    }
    // Which writer a temporary file belongs to it does not say.
    let temporary = report.temp_files.iter().filter(|_| open_owners.is_empty());
    for name in temporary.chain(&report.strange_files) {
        found.report("I7", place(name), "a file that should not be there");
    }
}
