//! `image_version.publish`: what it leaves when it ends well, ends badly, runs twice, or is overtaken.

use std::time::Duration;

use control::Method;
use metadata::{Change, JobId, JobState, NewJob, Store};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::disk::Disk;
use super::world::{REGIONS, SUBSCRIPTION, World, body_from, cut, request, upload, version, version_body};
use crate::job::Done;
use crate::replicas::ReplicaState;
use crate::{CommitReply, JobKind, Running, Settings, Stop, Workers};

/// The operation of a version, by the id that its row notes.
fn job_of(world: &World, id: &str) -> metadata::Job {
    let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    let id = row.operation.expect("an operation owns the version");
    world.run(world.rows.job(id)).unwrap().unwrap()
}

fn enqueue(world: &World, id: &str, kind: &str, input: Value) -> JobId {
    let job = NewJob {
        id: JobId(control::Ids::uuid(world.ids.as_ref())),
        kind: kind.to_owned(),
        target: id.parse().unwrap(),
        input,
        state: JobState::Waiting,
        correlation_id: "correlation".to_owned(),
        created_at: control::Clock::now(world.clock.as_ref()),
    };
    let number = job.id;
    world.run(world.rows.commit(Change { jobs: vec![job], ..Change::default() })).unwrap();
    number
}

fn ending(world: &World, id: JobId) -> JobState {
    world.run(world.rows.job(id)).unwrap().unwrap().state
}

#[test]
fn a_publish_brings_the_image_to_every_region_and_uses_up_the_upload() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.publish("1.0.0", &disk, &REGIONS);
    world.stands(&id, &disk, &REGIONS);
    let shown = world.get(&id);
    assert_eq!(shown["properties"]["storageProfile"]["osDiskImage"]["sizeInGB"], 1);
    assert_eq!(shown["properties"]["replicationStatus"]["aggregatedState"], "Completed");
    let gone = world.ask(Method::Get, &upload(SUBSCRIPTION, "1.0.0"), "api-version=2026-11-01", &Value::Null);
    assert_eq!(gone.status, 404);
    world.is_clean();
}

#[test]
fn a_publish_that_runs_again_changes_nothing() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.publish("1.0.0", &disk, &REGIONS);
    let before: Vec<u64> = REGIONS.map(|name| world.stored_bytes(name)).into();
    let again = enqueue(&world, &id, "image_version.publish", json!({ "source": null }));
    assert_eq!(world.run_due(), 1);
    assert_eq!(ending(&world, again), JobState::Succeeded(Value::Null));
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)).to_vec(), before);
    world.stands(&id, &disk, &REGIONS);
    world.is_clean();
}

#[test]
fn the_same_bytes_are_stored_once() {
    let world = World::new();
    let disk = Disk::new(1, 16);
    world.publish("1.0.0", &disk, &REGIONS);
    let before = REGIONS.map(|name| world.stored_bytes(name));
    let id = world.publish("1.0.1", &disk, &REGIONS);
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), before);
    world.stands(&id, &disk, &REGIONS);
}

#[test]
fn another_version_is_a_source() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let first = world.publish("1.0.0", &disk, &["westeurope", "northeurope"]);
    let id = version("2.0.0");
    world.made(&id, &body_from(&json!({"source": {"id": first}}), &["westeurope", "eastus"]));
    world.run_due();
    world.stands(&id, &disk, &["westeurope", "eastus"]);
    world.delete(&first);
    world.collect();
    world.stands(&id, &disk, &["westeurope", "eastus"]);
    world.is_clean();
}

#[test]
fn a_source_that_is_gone_fails_the_version_and_leaves_nothing() {
    let world = World::new();
    let id = world.ask_for_version("1.0.0", &Disk::new(1, 8), &REGIONS);
    let operation = job_of(&world, &id).id;
    world.delete(&upload(SUBSCRIPTION, "1.0.0"));
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    let JobState::Failed(error) = ending(&world, operation) else { panic!("it has not failed") };
    assert_eq!(error["code"], "InvalidParameter");
    assert!(error["message"].as_str().unwrap().contains("not exist any more"), "{error}");
    world.collect();
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), [0; 3]);
    world.is_clean();
}

#[test]
fn a_source_version_that_goes_while_it_is_taken_over_is_missed() {
    let world = World::new();
    let first = world.publish("1.0.0", &Disk::new(1, 8), &["westeurope"]);
    let id = version("2.0.0");
    world.made(&id, &body_from(&json!({"source": {"id": first}}), &["westeurope"]));
    world.delete(&first);
    world.collect();
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    world.is_clean();
    assert_eq!(world.stored_bytes("westeurope"), 0);
}

#[test]
fn a_version_deleted_before_its_job_ran_leaves_nothing() {
    let world = World::new();
    let id = world.ask_for_version("1.0.0", &Disk::new(1, 8), &REGIONS);
    let operation = job_of(&world, &id).id;
    world.delete(&id);
    assert_eq!(ending(&world, operation), JobState::Canceled);
    assert_eq!(world.run_due(), 0);
    world.delete(&upload(SUBSCRIPTION, "1.0.0"));
    world.collect();
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), [0; 3]);
    world.is_clean();
}

#[test]
fn a_version_deleted_while_it_is_copied_leaves_nothing() {
    // The lease is looked at every second; one region waits for its next try when the version goes.
    let world = World::with(|settings| {
        settings.region_pause = Duration::from_secs(600);
        settings.lease_seconds = 3;
    });
    let id = world.ask_for_version("1.0.0", &Disk::new(1, 16), &REGIONS);
    let operation = job_of(&world, &id).id;
    world.faults.break_region("eastus");
    let life = world.life();
    let delete = async {
        let number = id.parse().unwrap();
        loop {
            let replicas = crate::replicas::read(world.rows.as_ref(), &number).await.unwrap();
            if replicas.iter().any(|(_, replica)| replica.error.is_some()) {
                break;
            }
            tokio::task::yield_now().await;
        }
        life.engine.handle(&request(Method::Delete, &id, "api-version=2024-03-03", &Value::Null)).await
    };
    let (count, deleted) = world.run(async { tokio::join!(life.workers.run_due(), delete) });
    assert_eq!((count, deleted.status), (1, 202));
    assert_eq!(ending(&world, operation), JobState::Canceled);
    world.collect();
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), [0; 3]);
    world.is_clean();
}

#[test]
fn a_job_that_nobody_knows_fails_at_once() {
    let world = World::new();
    let id = world.publish("1.0.0", &Disk::new(1, 4), &["westeurope"]);
    let unknown = enqueue(&world, &id, "image_version.polish", Value::Null);
    assert_eq!(world.run_due(), 1);
    let JobState::Failed(error) = ending(&world, unknown) else { panic!("it has not failed") };
    assert_eq!(error["code"], "InternalServerError");
    assert!(!error.to_string().contains("polish"), "{error}");
}

#[test]
fn a_job_that_breaks_again_and_again_ends_failed_with_a_number_to_quote() {
    let world = World::new();
    let id = world.publish("1.0.0", &Disk::new(1, 4), &["westeurope"]);
    // A version without a home region is a row that we have spoilt.
    let mut row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    row.document["location"] = Value::Null;
    row.document["internal"] = json!({});
    world.run(world.rows.commit(Change { put: vec![row], ..Change::default() })).unwrap();
    let job = enqueue(&world, &id, "image_version.publish", Value::Null);
    let mut tries = 0;
    while ending(&world, job) == JobState::Waiting {
        tries += world.run_due();
        world.clock.advance(3600);
    }
    assert_eq!(tries, usize::try_from(Settings::default().attempts).unwrap());
    let JobState::Failed(error) = ending(&world, job) else { panic!("it has not failed") };
    assert!(error["message"].as_str().unwrap().contains("'correlation'"), "{error}");
    assert_eq!(world.state(&id), "Failed");
}

#[test]
fn a_worker_that_lost_its_lease_writes_nothing_more() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.ask_for_version("1.0.0", &disk, &REGIONS);
    let life = world.life();
    let (now, hour) = (control::Clock::now(world.clock.as_ref()), jiff::SignedDuration::from_hours(1));
    let slow = world.run(world.rows.lease("slow", now, now)).unwrap().unwrap();
    // The lease of the slow one has run out; another takes the job and ends it.
    world.clock.advance(60);
    assert_eq!(world.run_due(), 1);
    let etag = world.get(&id)["etag"].clone();
    world.run(life.workers.run_leased(slow.clone(), "slow", &CancellationToken::new()));
    assert_eq!(world.get(&id)["etag"], etag);
    assert_eq!(ending(&world, slow.id), JobState::Succeeded(Value::Null));
    assert!(matches!(
        world.run(world.rows.renew(slow.id, "slow", now + hour)),
        Err(metadata::Error::LeaseLost)
    ));
    world.stands(&id, &disk, &REGIONS);
    world.is_clean();
}

#[test]
fn a_put_while_it_is_published_is_answered_with_the_same_operation() {
    let world = World::new();
    let disk = Disk::new(1, 4);
    world.upload(SUBSCRIPTION, "1.0.0", &disk);
    let body = version_body("1.0.0", &["westeurope"]);
    let operation = |reply: control::Reply| {
        let found = reply.headers.iter().find(|(name, _)| *name == "azure-asyncoperation");
        found.map(|(_, url)| url.clone())
    };
    let first = operation(world.put(&version("1.0.0"), &body));
    let second = operation(world.put(&version("1.0.0"), &body));
    assert!(first.is_some());
    assert_eq!(first, second);
    world.run_due();
    assert_eq!(world.replica(&version("1.0.0"), "westeurope").unwrap().state, ReplicaState::Completed);
}

/// A job with a bug.
struct Panics;

#[async_trait::async_trait]
impl JobKind for Panics {
    fn name(&self) -> &'static str {
        "image_version.panic"
    }

    async fn run(&self, _running: &mut Running) -> Result<Done, Stop> {
        panic!("on purpose")
    }
}

#[test]
fn a_job_that_panics_fails_and_its_worker_goes_on() {
    let world = World::new();
    let id = world.publish("1.0.0", &Disk::new(1, 4), &["westeurope"]);
    let life = world.life();
    let (engine, regions) = (life.engine.clone(), life.regions.clone());
    let (clock, ids) = (world.clock.clone(), world.ids.clone());
    let workers = Workers::new(engine, regions, world.staging(), clock, ids, Settings::default());
    let workers = workers.with_kind(Box::new(Panics));
    let panicking = enqueue(&world, &id, "image_version.panic", Value::Null);
    let next = enqueue(&world, &id, "image_version.publish", json!({ "source": null }));
    assert_eq!(world.run(workers.run_due()), 2);
    let JobState::Failed(error) = ending(&world, panicking) else { panic!("it has not failed") };
    assert_eq!(error["code"], "InternalServerError");
    assert_eq!(ending(&world, next), JobState::Succeeded(Value::Null));
}

#[test]
fn a_job_that_ends_the_process_each_time_is_given_up() {
    let mut world = World::new();
    let id = world.ask_for_version("1.0.0", &Disk::new(1, 4), &["westeurope"]);
    let operation = job_of(&world, &id).id;
    let now = control::Clock::now(world.clock.as_ref());
    for attempt in 1..=Settings::default().attempts {
        let job = world.run(world.rows.lease("dies", now, now)).unwrap().unwrap();
        assert_eq!((job.id, job.attempt), (operation, attempt));
        world.restart();
    }
    assert_eq!(world.run_due(), 1);
    let JobState::Failed(error) = ending(&world, operation) else { panic!("it has not failed") };
    assert_eq!(error["code"], "InternalServerError");
    assert_eq!(world.state(&id), "Failed");
    // What was asked for can be asked for again.
    world.made(&id, &version_body("1.0.0", &["westeurope"]));
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.is_clean();
}

#[test]
fn a_source_of_more_than_2048_gib_is_not_replicated() {
    let world = World::new();
    let size_bytes = (2048 << 30) + (64 << 10);
    let id = world.begin_upload(SUBSCRIPTION, "1.0.0", size_bytes);
    let (mut entries, chunks) = cut(&Disk::new(1, 1));
    entries.push(store::Entry::Hole { length: 2048 << 30 });
    world.send(&id, &chunks).unwrap();
    assert!(matches!(world.commit(&id, entries).unwrap(), CommitReply::Committed { .. }));
    world.made(&version("1.0.0"), &version_body("1.0.0", &["westeurope"]));
    let operation = job_of(&world, &version("1.0.0")).id;
    world.run_due();
    let JobState::Failed(error) = ending(&world, operation) else { panic!("it has not failed") };
    assert_eq!(error["code"], "GallerySourceResourceExceedsMaxSize");
    let words = "Replication failed: source resource size 2049 exceeds the max size 2048 supported.";
    assert_eq!(error["message"], words);
    world.is_clean();
}
