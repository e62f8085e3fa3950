//! `image_version.publish`: from a source to verified copies in every target region.
//!
//! Steps: `source` finds or fetches the image and writes its root, size and holds into the version's row; `targets`
//! adds holds for regions asked for later; then each region copies what it lacks, all at once, a failing one by
//! itself; the ending says what each came to. After a crash a recorded step is not repeated, and regions that are
//! complete are not asked again. A region holds the image before its first chunk is copied: the collector may run
//! at any moment.

mod artifact;
mod origin;
mod spread;

pub(crate) use artifact::PublishArtifact;

use std::collections::BTreeSet;

use arm::{ErrorDetail, Region, VersionName};
use async_trait::async_trait;
use control::{row_of, stored_of};
use jiff::SignedDuration;
use metadata::{Change, Expect, JobId, JobState, NewJob, Row};
use providers::{Document, State};
use serde_json::{Value, json};

use crate::Error;
use crate::image::{Image, hold};
use crate::job::{Done, JobKind, Running, Stop};
use crate::replicas::{self, ReplicaState};

pub(crate) struct Publish;

/// The regions a version is to be in; its home first.
pub(crate) fn target_regions(document: &Document) -> Vec<Region> {
    let profile = document.properties.get("publishingProfile");
    let listed = profile.and_then(|profile| profile.get("targetRegions"));
    // Versions without a publishing profile list them at the top.
    let listed = listed.or_else(|| document.properties.get("targetLocations")).and_then(Value::as_array);
    let names = listed.into_iter().flatten().filter_map(|region| region.get("name")?.as_str()?.parse().ok());
    let home = document.location.as_deref().and_then(|location| location.parse().ok());
    let mut seen = BTreeSet::new();
    home.into_iter().chain(names).filter(|region: &Region| seen.insert(region.clone())).collect()
}

#[async_trait]
impl JobKind for Publish {
    fn name(&self) -> &'static str {
        "image_version.publish"
    }

    async fn run(&self, running: &mut Running) -> Result<Done, Stop> {
        let (row, document) = version(running).await?;
        let healing = running.job.input.get("heal").is_some();
        if healing
            && (document.state != State::Failed || row.operation.is_some_and(|owner| owner != running.job.id))
        {
            // Somebody has published it again meanwhile.
            return Ok(Done::default());
        }
        let (row, document) = match healing {
            true if !owns(running, &row).await? => return Ok(Done::default()),
            true => version(running).await?,
            false => (row, document),
        };
        let image = match Image::of(&document) {
            Some(image) => image,
            None => self.find_source(running, row, document).await?,
        };
        let (row, document) = version(running).await?;
        let targets = target_regions(&document);
        hold_in_new_targets(running, &row, &image, &targets).await?;
        drop_removed(running, &row, &targets).await?;
        let failures = spread::copy_to_all(running, &image, &targets).await?;
        let (row, document) = version(running).await?;
        end(running, &row, document, &image, &targets, &failures)
    }
}

/// Whether this healing has the version to itself: it takes it, unless a write comes first.
async fn owns(running: &mut Running, row: &Row) -> Result<bool, Stop> {
    if row.operation == Some(running.job.id) {
        return Ok(true);
    }
    let mut written = row.clone();
    written.etag = running.ids.uuid().to_string();
    written.operation = Some(running.job.id);
    let expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
    let change = Change { expect, put: vec![written], ..Change::default() };
    match running.record("heal", Value::Null, change).await {
        Ok(()) => Ok(true),
        Err(Stop::Broken(Error::Metadata(metadata::Error::Stale(_)))) => Ok(false),
        Err(stop) => Err(stop),
    }
}

/// The version's row as it stands; without one there is nothing left to do.
async fn version(running: &Running) -> Result<(Row, Document), Stop> {
    let row = running.engine.metadata().row(&running.job.target).await?.ok_or(Stop::LeaseLost)?;
    let document = stored_of(&row)?.document;
    Ok((row, document))
}

impl Publish {
    /// Finds the image and writes it into the row, in one step.
    async fn find_source(
        &self,
        running: &mut Running,
        row: Row,
        mut document: Document,
    ) -> Result<Image, Stop> {
        let origin = origin::find(running, &document).await?;
        let image = origin.image;
        image.note(&mut document);
        // The image is here: where it came from, and what that needed, is not asked again.
        document.internal.remove("source");
        let gib = size_in_gib(image.size_bytes);
        if image.size_bytes > most_bytes(&document) {
            return Err(too_large(gib));
        }
        document.properties = with_size(document.properties, gib);
        let mut written = row_of(&row, &document)?;
        written.etag = running.ids.uuid().to_string();
        let mut held = target_regions(&document);
        // Until a copy of its own is complete the only bytes may be those of another version, which may go.
        held.extend(origin.stands_in.filter(|region| !held.contains(region)));
        written.holds = held.iter().map(|region| hold(region, &image.root)).collect();
        let mut expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
        // Its hold on the bytes passes to this version; if it is gone, so may they be.
        expect.extend(origin.held_by.map(Expect::Exists));
        let change = Change {
            expect,
            put: vec![written],
            delete: origin.used_up.into_iter().collect(),
            ..Change::default()
        };
        running
            .record("source", json!({"root": image.root.to_string(), "sizeBytes": image.size_bytes}), change)
            .await?;
        // Only now may the bytes be let go: the row holds them.
        drop(origin.pin);
        Ok(image)
    }
}

/// Largest source that is copied to regions, in GiB; only `Shallow` versions may be larger.
const MOST_GIB: u64 = 2048;

/// How large the source of `document` may be, in bytes.
fn most_bytes(document: &Document) -> u64 {
    let profile = document.properties.get("publishingProfile");
    let mode = profile.and_then(|profile| profile.get("replicationMode")).and_then(Value::as_str);
    if mode.is_some_and(|mode| mode.eq_ignore_ascii_case("Shallow")) { u64::MAX } else { MOST_GIB << 30 }
}

fn size_in_gib(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(1 << 30)
}

fn too_large(gib: u64) -> Stop {
    let message =
        format!("Replication failed: source resource size {gib} exceeds the max size {MOST_GIB} supported.");
    Stop::Failed(ErrorDetail::new("GallerySourceResourceExceedsMaxSize", message), Box::default())
}

/// Holds the image in regions that were asked for after it was found, before anything is copied there.
async fn hold_in_new_targets(
    running: &mut Running,
    row: &Row,
    image: &Image,
    targets: &[Region],
) -> Result<(), Stop> {
    let wanted = targets.iter().map(|region| hold(region, &image.root));
    let fresh: Vec<String> = wanted.filter(|hold| !row.holds.contains(hold)).collect();
    if fresh.is_empty() {
        return Ok(());
    }
    let mut written = row.clone();
    written.etag = running.ids.uuid().to_string();
    written.holds.extend(fresh);
    let expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
    let names: Vec<&str> = targets.iter().map(Region::as_str).collect();
    running.record("targets", json!(names), Change { expect, put: vec![written], ..Change::default() }).await
}

/// Forgets what regions that are no longer targets had.
async fn drop_removed(running: &Running, row: &Row, targets: &[Region]) -> Result<(), Stop> {
    for (region, _) in replicas::read(running.engine.metadata().as_ref(), &row.id).await? {
        if !targets.contains(&region) {
            replicas::forget(running, &region).await?;
        }
    }
    Ok(())
}

fn with_size(mut properties: serde_json::Map<String, Value>, gib: u64) -> serde_json::Map<String, Value> {
    let storage = properties.entry("storageProfile").or_insert_with(|| json!({}));
    if let Some(storage) = storage.as_object_mut() {
        let disk = storage.entry("osDiskImage").or_insert_with(|| json!({}));
        disk["sizeInGB"] = gib.into();
        if disk.get("hostCaching").is_none() {
            disk["hostCaching"] = "ReadWrite".into();
        }
    }
    properties
}

/// The ending: the version is as asked, or Failed with what each failing region said; then it heals by itself later.
fn end(
    running: &Running,
    row: &Row,
    mut document: Document,
    image: &Image,
    targets: &[Region],
    failures: &[(Region, String)],
) -> Result<Done, Stop> {
    document.state = if failures.is_empty() { State::Succeeded } else { State::Failed };
    // A later PUT may have brought the address of a blob again.
    document.internal.remove("source");
    let mut written = row_of(row, &document)?;
    written.etag = running.ids.uuid().to_string();
    let mut holds: Vec<String> = targets.iter().map(|region| hold(region, &image.root)).collect();
    if failures.is_empty() {
        if row.holds.len() > holds.len() {
            running.release_bytes();
        }
    } else {
        // What failed may have to come from a region that is no target.
        let others = row.holds.iter().filter(|held| !holds.contains(held)).cloned();
        holds.extend(others.collect::<Vec<_>>());
    }
    written.holds = holds;
    let mut change = Change {
        expect: vec![Expect::Unchanged(row.id.clone(), row.etag.clone())],
        put: vec![written],
        ..Change::default()
    };
    if failures.is_empty() {
        return Ok(Done { output: Value::Null, change });
    }
    change.jobs.push(heal_later(running));
    let details: Vec<ErrorDetail> = failures
        .iter()
        .map(|(region, words)| {
            ErrorDetail::new("ReplicationJobFailed", words.clone()).at(region.display_name())
        })
        .collect();
    let names: Vec<&str> = failures.iter().map(|(region, _)| region.display_name()).collect();
    let message = format!(
        "Gallery replication jobs failed in one or more regions: {}. The other regions are complete. The failed ones are tried again by themselves; put the version again to try at once.",
        names.join(", ")
    );
    let version: Option<VersionName> = row.id.name().parse().ok();
    tracing::warn!(version = ?version.map(|version| version.to_string()), regions = ?names, "replication failed");
    Err(Stop::Failed(
        ErrorDetail { details, ..ErrorDetail::new("ReplicationFailed", message) },
        Box::new(change),
    ))
}

fn heal_later(running: &Running) -> NewJob {
    let tries = running.job.input.get("heal").and_then(Value::as_u64).unwrap_or(0);
    let pause =
        SignedDuration::try_from(running.settings.heal_pause(tries)).unwrap_or(SignedDuration::from_secs(60));
    let now = running.clock.now();
    NewJob {
        id: JobId(running.ids.uuid()),
        kind: running.job.kind.clone(),
        target: running.job.target.clone(),
        input: json!({ "heal": tries + 1 }),
        state: JobState::Waiting,
        correlation_id: running.job.correlation_id.clone(),
        created_at: now.saturating_add(pause).unwrap_or(now),
    }
}

/// The regions in which a version stands complete.
pub(crate) async fn complete_regions(running: &Running, id: &arm::ResourceId) -> Result<Vec<Region>, Error> {
    let all = replicas::read(running.engine.metadata().as_ref(), id).await?;
    Ok(all
        .into_iter()
        .filter(|(_, replica)| replica.state == ReplicaState::Completed)
        .map(|(region, _)| region)
        .collect())
}
