//! Verification finds each kind of thing that should not be, and nothing else.

use std::path::PathBuf;

use metadata::{Change, Row, Store};
use serde_json::{Value, json};

use super::disk::Disk;
use super::world::{REGIONS, SUBSCRIPTION, World, compute, cut, version};

/// A world with one version in every region.
fn published() -> (World, String) {
    let world = World::new();
    let id = world.publish("1.0.0", &Disk::new(1, 16), &REGIONS);
    world.is_clean();
    (world, id)
}

/// What is found, as (invariant, place) pairs without duplicates.
fn found(world: &World) -> Vec<(&'static str, String)> {
    let mut found: Vec<_> = world
        .verify()
        .violations
        .into_iter()
        .map(|violation| (violation.invariant, violation.place))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn packs(world: &World, region: &str) -> Vec<PathBuf> {
    let shelves = std::fs::read_dir(world.region_folder(region).join("packs")).unwrap();
    let shelves = shelves.map(|shelf| shelf.unwrap().path());
    shelves.flat_map(|shelf| std::fs::read_dir(shelf).unwrap().map(|pack| pack.unwrap().path())).collect()
}

fn change(world: &World, id: &str, change: impl FnOnce(&mut Row)) {
    let mut row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    change(&mut row);
    world.run(world.rows.commit(Change { put: vec![row], ..Change::default() })).unwrap();
}

#[test]
fn what_is_well_is_counted_and_not_complained_of() {
    let (world, _) = published();
    let verification = world.verify();
    assert_eq!((verification.version_count, verification.replica_count), (1, 3));
    // Two subscriptions with a group, a gallery and a definition each, and the version.
    assert_eq!(verification.resource_count, 7);
    assert!(verification.chunk_count > 3);
    assert_eq!(verification.stored_bytes, REGIONS.iter().map(|name| world.stored_bytes(name)).sum::<u64>());
}

#[test]
fn a_disk_that_lost_its_image_or_its_hold_is_found() {
    let (world, _) = published();
    let image = json!({"createOption": "FromImage", "galleryImageReference": {"id": version("1.0.0")}});
    let [lost, free, waiting] = ["lost", "free", "waiting"].map(|name| compute(&format!("disks/{name}")));
    let body = |creation: &Value| json!({"location": "westeurope", "properties": {"creationData": creation}});
    world.made(&lost, &body(&image));
    world.made(&free, &body(&image));
    world.made(&waiting, &body(&json!({"createOption": "Upload", "uploadSizeBytes": 20_972_032})));
    world.run_due();
    world.is_clean();
    change(&world, &lost, |row| row.document["internal"] = json!({}));
    change(&world, &free, |row| row.holds.clear());
    assert_eq!(found(&world), [("I1", lost), ("I2", free)]);
}

#[test]
fn a_flipped_bit_is_found() {
    let (world, _) = published();
    let pack = packs(&world, "eastus").remove(0);
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    let found = found(&world);
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|(invariant, place)| *invariant == "I1" && place.starts_with("eastus")),
        "{found:?}"
    );
}

#[test]
fn a_lost_pack_is_found_after_a_restart() {
    let (mut world, _) = published();
    std::fs::remove_file(packs(&world, "northeurope").remove(0)).unwrap();
    world.restart();
    let found = found(&world);
    assert!(!found.is_empty());
    assert!(found.iter().all(|(kind, place)| *kind == "I1" && place.starts_with("northeurope")), "{found:?}");
}

#[test]
fn a_pack_that_nothing_refers_to_is_found_until_it_is_collected() {
    let (world, _) = published();
    let (_, chunks) = cut(&Disk::new(9, 8));
    let writer = world.store("eastus").writer(store::Owner([5; 16]));
    for (digest, bytes) in &chunks {
        writer.put_chunk(digest, bytes).unwrap();
    }
    drop(writer.seal().unwrap());
    let complaints = found(&world);
    assert!(!complaints.is_empty());
    assert!(
        complaints.iter().all(|(kind, place)| *kind == "I2" && place.starts_with("eastus")),
        "{complaints:?}"
    );
    world.collect();
    world.is_clean();
}

#[test]
fn a_temporary_file_is_found_unless_somebody_may_be_writing_it() {
    let (world, _) = published();
    let file = world.region_folder("eastus").join("staging/000000ff.temp");
    std::fs::write(&file, "left").unwrap();
    assert_eq!(found(&world), [("I7", "eastus: 000000ff.temp".to_owned())]);
    world.begin_upload(SUBSCRIPTION, "u", 1 << 20);
    world.is_clean();
}

#[test]
fn an_upload_under_way_is_no_violation() {
    let (world, _) = published();
    let disk = Disk::new(3, 24);
    let id = world.begin_upload(SUBSCRIPTION, "u", u64::try_from(disk.bytes().len()).unwrap());
    let (entries, chunks) = cut(&disk);
    for part in chunks.chunks(3) {
        world.send(&id, part).unwrap();
        world.is_clean();
    }
    world.commit(&id, entries).unwrap();
    world.is_clean();
}

#[test]
fn a_strange_file_is_found() {
    let (world, _) = published();
    std::fs::write(world.region_folder("eastus").join("packs/notes.txt"), "hello").unwrap();
    assert_eq!(found(&world), [("I7", "eastus: packs/notes.txt".to_owned())]);
}

#[test]
fn a_version_that_nobody_will_finish_is_found() {
    let (world, id) = published();
    change(&world, &id, |row| row.document["state"] = json!("Creating"));
    assert_eq!(found(&world), [("I8", id)]);
}

#[test]
fn a_copy_that_nothing_holds_is_found() {
    let (world, id) = published();
    change(&world, &id, |row| row.holds.retain(|hold| !hold.starts_with("eastus/")));
    assert_eq!(found(&world), [("I2", id)]);
}

#[test]
fn a_version_without_an_image_is_found() {
    let (world, id) = published();
    change(&world, &id, |row| row.document["internal"] = json!({}));
    let found = found(&world);
    assert!(found.contains(&("I1", id)), "{found:?}");
}

#[test]
fn a_row_that_cannot_be_read_is_found() {
    let (world, _) = published();
    let id = world.publish("1.0.1", &Disk::new(1, 16), &REGIONS);
    change(&world, &id, |row| row.document = json!({"schema": 99}));
    assert!(found(&world).contains(&("I4", id)));
}

#[test]
fn an_operation_without_its_resource_is_found() {
    let (world, _) = published();
    let job = metadata::NewJob {
        id: metadata::JobId(control::Ids::uuid(world.ids.as_ref())),
        kind: "image_version.publish".to_owned(),
        target: version("9.9.9").parse().unwrap(),
        input: json!(null),
        state: metadata::JobState::Waiting,
        correlation_id: "correlation".to_owned(),
        created_at: control::Clock::now(world.clock.as_ref()),
    };
    world.run(world.rows.commit(Change { jobs: vec![job], ..Change::default() })).unwrap();
    assert_eq!(found(&world), [("I8", version("9.9.9"))]);
}
