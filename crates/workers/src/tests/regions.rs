//! Regions that fail: each by itself, tried again, reported, healed.

use std::time::Duration;

use metadata::{JobState, Store};
use rstest::rstest;
use serde_json::{Value, json};

use super::disk::Disk;
use super::rows::Fate;
use super::world::{REGIONS, World, body_from, version, version_body};
use crate::Settings;
use crate::replicas::ReplicaState;

/// A version that could not be brought to eastus.
fn failed_in_eastus() -> (World, String, Disk) {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.ask_for_version("1.0.0", &disk, &REGIONS);
    world.faults.break_region("eastus");
    world.run_due();
    (world, id, disk)
}

#[test]
fn a_region_that_fails_does_not_stop_the_others_and_says_why() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.ask_for_version("1.0.0", &disk, &REGIONS);
    let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    world.faults.break_region("eastus");
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    world.stands(&id, &disk, &["westeurope", "northeurope"]);
    assert!(world.read(&id, "eastus").is_err());
    let replica = world.replica(&id, "eastus").unwrap();
    assert_eq!(replica.state, ReplicaState::Failed);
    assert_eq!(replica.attempts, 3);
    assert!(replica.total_bytes > 0);
    assert!(replica.error.unwrap().contains("storage refused"));
    let job = world.run(world.rows.job(row.operation.unwrap())).unwrap().unwrap();
    let JobState::Failed(error) = job.state else { panic!("{:?}", job.state) };
    assert_eq!(error["code"], "ReplicationFailed");
    let details = error["details"].as_array().unwrap();
    assert_eq!(details.len(), 1);
    assert_eq!(
        (&details[0]["code"], &details[0]["target"]),
        (&json!("ReplicationJobFailed"), &json!("East US"))
    );
    assert!(!error.to_string().contains(world.folder.path().to_str().unwrap()), "{error}");
    let shown = &world.get(&id)["properties"]["replicationStatus"]["summary"];
    let states: Vec<&Value> = shown.as_array().unwrap().iter().map(|region| &region["state"]).collect();
    assert_eq!(states.iter().filter(|state| **state == "Completed").count(), 2, "{shown}");
    assert_eq!(states.iter().filter(|state| **state == "Failed").count(), 1, "{shown}");
    world.collect();
    world.is_clean();
}

#[test]
fn a_failed_region_heals_by_itself() {
    let (world, id, disk) = failed_in_eastus();
    assert_eq!(world.run_due(), 0, "too early to try again");
    world.clock.advance(61);
    assert_eq!(world.run_due(), 1);
    assert_eq!(world.state(&id), "Failed", "its disk is still broken");
    world.faults.mend_region("eastus");
    world.clock.advance(61);
    assert_eq!(world.run_due(), 0, "the second pause is longer");
    world.clock.advance(61);
    assert_eq!(world.run_due(), 1);
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &REGIONS);
    assert_eq!(world.verify().open_operation_count, 0);
    world.is_clean();
}

#[test]
fn a_failed_region_heals_when_the_version_is_put_again() {
    let (world, id, disk) = failed_in_eastus();
    world.faults.mend_region("eastus");
    world.made(&id, &version_body("1.0.0", &REGIONS));
    assert_eq!(world.state(&id), "Updating");
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &REGIONS);
    // The job that would have healed it finds nothing to do.
    world.clock.advance(61);
    assert_eq!(world.run_due(), 1);
    assert_eq!(world.state(&id), "Succeeded");
    assert_eq!(world.run_due(), 0);
    world.is_clean();
}

#[test]
fn healing_gives_way_to_a_write_in_between() {
    let (world, id, disk) = failed_in_eastus();
    world.faults.mend_region("eastus");
    world.clock.advance(61);
    let mut tagged = version_body("1.0.0", &["westeurope", "northeurope"]);
    tagged["tags"] = json!({"stage": "gold"});
    world.made(&id, &tagged);
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &["westeurope", "northeurope"]);
    assert!(world.replica(&id, "eastus").is_none());
    world.collect();
    assert_eq!(world.stored_bytes("eastus"), 0);
    world.is_clean();
}

#[test]
fn a_region_whose_folder_is_lost_fails_alone() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let staging = world.region_folder("eastus").join("staging");
    std::fs::remove_dir(&staging).unwrap();
    std::fs::write(&staging, "not a folder").unwrap();
    let id = world.ask_for_version("1.0.0", &disk, &REGIONS);
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    world.stands(&id, &disk, &["westeurope", "northeurope"]);
    std::fs::remove_file(&staging).unwrap();
    std::fs::create_dir(&staging).unwrap();
    world.clock.advance(61);
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &REGIONS);
}

#[test]
fn a_copy_is_taken_from_where_the_bytes_are_whole() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.publish("1.0.0", &disk, &["westeurope", "northeurope"]);
    // Every block of one region is damaged where it lies.
    for pack in packs(&world.region_folder("northeurope").join("packs")) {
        let mut bytes = std::fs::read(&pack).unwrap();
        for at in (200..bytes.len().saturating_sub(2048)).step_by(1024) {
            bytes[at] ^= 0x10;
        }
        std::fs::write(&pack, bytes).unwrap();
    }
    world.made(&id, &version_body("1.0.0", &REGIONS));
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &["westeurope", "eastus"]);
    assert!(world.read(&id, "northeurope").is_err(), "damage is never served");
}

/// All pack files below a folder.
fn packs(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let shelves = std::fs::read_dir(folder).unwrap().map(|shelf| shelf.unwrap().path());
    shelves.flat_map(|shelf| std::fs::read_dir(shelf).unwrap().map(|pack| pack.unwrap().path())).collect()
}

#[rstest]
#[case(1, 1)]
#[case(2, 2)]
#[case(3, 4)]
#[case(6, 32)]
#[case(1000, 1024)]
fn pauses_between_tries_grow(#[case] attempt: u32, #[case] seconds: u64) {
    let settings = Settings { region_pause: Duration::from_secs(1), ..Settings::default() };
    assert_eq!(settings.pause_after(attempt), Duration::from_secs(seconds));
}

#[test]
fn pauses_before_healing_grow_up_to_64_times_the_first() {
    let settings = Settings::default();
    let minutes = [0, 1, 2, 6, 7, u64::MAX].map(|tries| settings.heal_pause(tries).as_secs() / 60);
    assert_eq!(minutes, [1, 2, 4, 64, 64, 64]);
}

#[test]
fn a_region_that_cannot_be_opened_fails_alone_and_comes_back_without_a_restart() {
    let mut world = World::new();
    world.restart_without("eastus");
    let disk = Disk::new(1, 8);
    let id = world.ask_for_version("1.0.0", &disk, &REGIONS);
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    world.stands(&id, &disk, &["westeurope", "northeurope"]);
    let replica = world.replica(&id, "eastus").unwrap();
    assert_eq!((replica.state, replica.attempts), (ReplicaState::Failed, 3));
    assert!(replica.error.unwrap().contains("storage refused"));
    let violations = world.verify().violations;
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert_eq!((violations[0].invariant, violations[0].place.as_str()), ("I1", "eastus"));
    assert!(violations[0].finding.starts_with("cannot be opened: "), "{violations:?}");
    world.bring_back("eastus");
    world.clock.advance(61);
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &REGIONS);
    world.is_clean();
}

#[test]
fn the_other_regions_are_collected_when_one_cannot_be_opened() {
    let mut world = World::new();
    let id = world.publish("1.0.0", &Disk::new(1, 8), &REGIONS);
    world.restart_without("eastus");
    world.delete(&id);
    let error = world.run(world.life().collector.collect()).unwrap_err();
    assert!(matches!(error, crate::Error::Store(store::Error::Unavailable { .. })), "{error}");
    assert_eq!((world.stored_bytes("northeurope"), world.stored_bytes("westeurope")), (0, 0));
    world.bring_back("eastus");
    world.collect();
    assert_eq!(world.stored_bytes("eastus"), 0);
}

#[test]
fn a_publish_waits_for_a_home_that_cannot_be_opened() {
    let mut world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.ask_for_version("1.0.0", &disk, &REGIONS);
    world.restart_without("westeurope");
    world.run_due();
    assert_eq!(world.state(&id), "Creating");
    world.bring_back("westeurope");
    world.clock.advance(61);
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &REGIONS);
}

#[test]
fn a_version_that_is_healing_is_busy() {
    let (mut world, id, disk) = failed_in_eastus();
    world.faults.mend_region("eastus");
    world.clock.advance(61);
    // It stops between taking the version and ending.
    world.rows.arm(Some((3, Fate::DiesBefore)));
    world.run(async {
        tokio::select! {
            count = world.life().workers.run_due() => panic!("{count} jobs ran to their end"),
            () = world.rows.died() => {}
        }
    });
    let mut tagged = version_body("1.0.0", &REGIONS);
    tagged["tags"] = json!({"stage": "gold"});
    assert_eq!(world.put(&id, &tagged).status, 409);
    world.restart();
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &REGIONS);
    world.made(&id, &tagged);
    world.is_clean();
}

#[test]
fn the_only_bytes_of_a_version_stay_until_it_has_a_copy_of_its_own() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let first = world.publish("1.0.0", &disk, &["westeurope"]);
    let id = version("2.0.0");
    let mut body = body_from(&json!({"source": {"id": first}}), &["northeurope", "eastus"]);
    body["location"] = "northeurope".into();
    world.made(&id, &body);
    world.faults.break_region("northeurope");
    world.faults.break_region("eastus");
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    world.delete(&first);
    world.collect();
    world.is_clean();
    world.faults.mend_region("northeurope");
    world.faults.mend_region("eastus");
    world.clock.advance(61);
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &["northeurope", "eastus"]);
    world.collect();
    assert_eq!(world.stored_bytes("westeurope"), 0);
    world.is_clean();
}
