//! `image_version.publish`: from a source to verified copies in every target region.
//!
//! Steps: `source` finds or fetches the image of each disk and writes their roots, sizes and holds into the version's row;
//! `inspect` looks whether the OS disk is what the definition says, and ends it all if not; `targets` adds holds for regions asked for later; then each region copies what it lacks, all at once, a failing one by
//! itself; the ending says what each came to. After a crash a recorded step is not repeated, and regions that are
//! complete are not asked again. A region holds the image before its first chunk is copied: the collector may run
//! at any moment.

mod artifact;
mod inspection;
mod spread;

pub(crate) use artifact::PublishArtifact;

use std::collections::BTreeSet;

use arm::{ErrorDetail, Region, ResourceId, VersionName};
use async_trait::async_trait;
use control::{row_of, stored_of};
use jiff::SignedDuration;
use metadata::{Change, Expect, JobId, JobState, NewJob, Row};
use providers::shape::{at, object_in};
use providers::{Document, State};
use serde_json::{Map, Value, json};

use crate::Error;
use crate::image::Images;
use crate::job::{Done, JobKind, Running, Stop};
use crate::origin::{self, MOST_GIB, Wanted, size_in_gib, too_large};
use crate::replicas;

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
        let (row, document) = running.target().await?;
        let healing = running.job.input.get("heal").is_some();
        if healing
            && (document.state != State::Failed || row.operation.is_some_and(|owner| owner != running.job.id))
        {
            // Somebody has published it again meanwhile.
            return Ok(Done::default());
        }
        let (row, document) = match healing {
            true if !owns(running, &row).await? => return Ok(Done::default()),
            true => running.target().await?,
            false => (row, document),
        };
        let images = match Images::of(&document) {
            Some(images) => images,
            None => self.find_source(running, row, document).await?,
        };
        let (row, document) = running.target().await?;
        inspection::prove(running, &document, &images.os).await?;
        let targets = target_regions(&document);
        hold_in_new_targets(running, &row, &images, &targets).await?;
        drop_removed(running, &row, &targets).await?;
        let failures = spread::copy_to_all(running, &images, &targets).await?;
        let (row, document) = running.target().await?;
        end(running, &row, document, &images, &targets, &failures)
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

impl Publish {
    /// Finds the images and writes them into the row, in one step.
    async fn find_source(
        &self,
        running: &mut Running,
        row: Row,
        mut document: Document,
    ) -> Result<Images, Stop> {
        let home = running.home(&document)?;
        let wanted = Wanted {
            home: &home,
            what: "gallery image version",
            target: "properties.storageProfile.osDiskImage.source",
            most_bytes: most_bytes(&document),
        };
        let source = running.job.input.get("source").filter(|source| !source.is_null());
        let source = source.or_else(|| document.internal.get("source")).cloned().unwrap_or_default();
        let origins = origin::find_all(running, &source, &wanted).await?;
        let images = origins.images.clone();
        let largest = images.all().map(|image| image.size_bytes).max().unwrap_or_default();
        if largest > most_bytes(&document) {
            return Err(too_large(size_in_gib(largest)));
        }
        images.note(&mut document);
        // The images are here: where they came from, and what that needed, is not asked again.
        document.internal.remove("source");
        document.internal.insert("lineage".to_owned(), origins.lineage.clone());
        let caching = caching_of(running, &origins.held_by, &source).await?;
        document.properties = with_disks(document.properties, &images, &caching);
        let mut written = row_of(&row, &document)?;
        written.etag = running.ids.uuid().to_string();
        written.holds = images.holds(&target_regions(&document));
        // Until a copy of its own is complete the only bytes may be those of another resource, which may go.
        written
            .holds
            .extend(origins.holds().filter(|hold| !written.holds.contains(hold)).collect::<BTreeSet<_>>());
        let mut expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
        // Its hold on the bytes passes to this version; if it is gone, so may they be.
        expect.extend(origins.held_by.into_iter().map(Expect::Exists));
        let change = Change { expect, put: vec![written], delete: origins.used_up, ..Change::default() };
        let output = json!({"root": images.os.root.to_string(), "sizeBytes": images.os.size_bytes});
        running.record("source", output, change).await?;
        // Only now may the bytes be let go: the row holds them.
        drop((origins.pins, origins.kept));
        Ok(images)
    }
}

/// How the data disks of a whole source are cached, by LUN.
async fn caching_of(
    running: &Running,
    held_by: &[ResourceId],
    source: &Value,
) -> Result<Vec<(i64, Value)>, Stop> {
    let (list, name) = match source["kind"].as_str() {
        Some("version") => ("dataDiskImages", "hostCaching"),
        Some("image") => ("dataDisks", "caching"),
        _ => return Ok(Vec::new()),
    };
    let Some(id) = held_by.first() else { return Ok(Vec::new()) };
    let Some(row) = running.engine.metadata().row(id).await? else { return Ok(Vec::new()) };
    let disks = at(&stored_of(&row)?.document.properties, &format!("storageProfile.{list}")).cloned();
    let disks = disks.as_ref().and_then(Value::as_array).into_iter().flatten();
    Ok(disks.filter_map(|disk| Some((disk["lun"].as_i64()?, disk.get(name)?.clone()))).collect())
}

/// How large the source of `document` may be, in bytes.
fn most_bytes(document: &Document) -> u64 {
    let profile = document.properties.get("publishingProfile");
    let mode = profile.and_then(|profile| profile.get("replicationMode")).and_then(Value::as_str);
    if mode.is_some_and(|mode| mode.eq_ignore_ascii_case("Shallow")) { u64::MAX } else { MOST_GIB << 30 }
}

/// Holds the image in regions that were asked for after it was found, before anything is copied there.
async fn hold_in_new_targets(
    running: &mut Running,
    row: &Row,
    images: &Images,
    targets: &[Region],
) -> Result<(), Stop> {
    let wanted = images.holds(targets).into_iter();
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

/// The sizes of the disks, and what the data disks of a whole source are.
fn with_disks(
    mut properties: Map<String, Value>,
    images: &Images,
    caching: &[(i64, Value)],
) -> Map<String, Value> {
    let storage = object_in(&mut properties, "storageProfile");
    let disk = object_in(storage, "osDiskImage");
    disk.insert("sizeInGB".to_owned(), size_in_gib(images.os.size_bytes).into());
    disk.entry("hostCaching").or_insert_with(|| "ReadWrite".into());
    if images.data.is_empty() {
        return properties;
    }
    let said = storage.get("dataDiskImages").and_then(Value::as_array).cloned().unwrap_or_default();
    let disks = images.data.iter().map(|(lun, image)| {
        let mut disk =
            said.iter().find(|disk| disk["lun"] == *lun).cloned().unwrap_or_else(|| json!({"lun": lun}));
        disk["sizeInGB"] = size_in_gib(image.size_bytes).into();
        if disk.get("hostCaching").is_none() {
            let of_source = caching.iter().find(|(number, _)| number == lun).map(|(_, word)| word.clone());
            disk["hostCaching"] = of_source.unwrap_or_else(|| "None".into());
        }
        disk
    });
    let disks: Vec<Value> = disks.collect();
    storage.insert("dataDiskImages".to_owned(), disks.into());
    properties
}

/// The ending: the version is as asked, or Failed with what each failing region said; then it heals by itself later.
fn end(
    running: &Running,
    row: &Row,
    mut document: Document,
    images: &Images,
    targets: &[Region],
    failures: &[(Region, String)],
) -> Result<Done, Stop> {
    document.state = if failures.is_empty() { State::Succeeded } else { State::Failed };
    // A later PUT may have brought the address of a blob again.
    document.internal.remove("source");
    let mut written = row_of(row, &document)?;
    written.etag = running.ids.uuid().to_string();
    let mut holds = images.holds(targets);
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
