//! Managed disks and snapshots: their bytes are there, are shared, and go with the last that needs them.

#![expect(clippy::needless_pass_by_value, reason = "bodies read best as the values they are")]

use control::Method;
use metadata::{JobState, Store};
use rstest::rstest;
use serde_json::{Value, json};

use super::crash::Plan;
use super::disk::Disk;
use super::web::{Manner, Web};
use super::world::{SUBSCRIPTION, World, compute, definition, version};
use crate::image::Image;

/// The least that may be uploaded, without its footer.
pub(crate) const UPLOAD_BYTES: usize = 20 << 20;

pub(crate) fn body(region: &str, creation: Value) -> Value {
    json!({"location": region, "properties": {"creationData": creation}})
}

pub(crate) fn copy_of(id: &str) -> Value {
    json!({"createOption": "Copy", "sourceResourceId": id})
}

pub(crate) fn of_image(id: &str) -> Value {
    json!({"createOption": "FromImage", "galleryImageReference": {"id": id}})
}

/// A disk that stands.
pub(crate) fn made(world: &World, path: &str, body: &Value) -> String {
    let id = compute(path);
    world.made(&id, body);
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded", "{}", world.get(&id));
    id
}

pub(crate) fn stored(world: &World) -> u64 {
    ["westeurope", "northeurope", "eastus"].map(|name| world.stored_bytes(name)).iter().sum()
}

/// A fixed VHD of the least size that begins with `disk`.
pub(crate) fn vhd(disk: &Disk) -> Vec<u8> {
    let mut bytes = disk.bytes().to_vec();
    bytes.resize(UPLOAD_BYTES, 0);
    bytes.extend(disks::fixed_vhd_footer(bytes.len().try_into().unwrap(), [1; 16]));
    bytes
}

#[test]
fn an_empty_disk_is_zeros_of_its_size_and_takes_no_room() {
    let world = World::new();
    let body = json!({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}});
    let reply = world.put(&compute("disks/d"), &body);
    assert_eq!(reply.status, 202);
    assert!(!reply.headers.iter().any(|(name, _)| *name == "location"));
    assert!(world.operation_of(&reply).state == JobState::Waiting);
    world.run_due();
    let shown = world.get(&compute("disks/d"));
    assert_eq!(shown["properties"]["diskSizeBytes"], 1 << 30);
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    assert!(stored(&world) < 4096, "{}", stored(&world));
    // A size of its own is all that another one has.
    let large = json!({"location": "West Europe", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 32_767}});
    let before = stored(&world);
    made(&world, "disks/large", &large);
    assert_eq!(stored(&world), before);
    world.is_clean();
}

#[test]
fn disks_snapshots_and_their_copies_share_every_byte_with_their_image() {
    let world = World::new();
    let disk = Disk::new(1, 16);
    let image = world.publish("1.0.0", &disk, &["westeurope", "eastus"]);
    let before = stored(&world);
    let first = made(&world, "disks/first", &body("westeurope", of_image(&image)));
    let latest = made(&world, "disks/latest", &body("eastus", of_image(&definition(SUBSCRIPTION))));
    let snapshot = made(&world, "snapshots/s", &body("westeurope", copy_of(&first)));
    let second = made(&world, "disks/second", &body("westeurope", copy_of(&snapshot)));
    assert_eq!(stored(&world), before);
    world.delete(&image);
    world.delete(&first);
    world.delete(&snapshot);
    world.collect();
    assert_eq!(world.bytes_of(&second, "westeurope"), disk.bytes());
    assert_eq!(world.bytes_of(&latest, "eastus"), disk.bytes());
    world.is_clean();
    world.delete(&second);
    world.delete(&latest);
    world.collect();
    assert_eq!(stored(&world), 0);
    world.is_clean();
}

#[test]
fn where_a_disk_came_from_is_noted_and_not_shown() {
    let world = World::new();
    let image = world.publish("1.0.0", &Disk::new(1, 4), &["westeurope"]);
    let first = made(&world, "disks/first", &body("westeurope", of_image(&image)));
    let snapshot = made(&world, "snapshots/s", &body("westeurope", copy_of(&first)));
    let lineage = |id: &str| {
        let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
        row.document["internal"]["lineage"].clone()
    };
    assert_eq!(lineage(&first), json!({"kind": "version", "id": image}));
    let unique = world.get(&first)["properties"]["uniqueId"].clone();
    assert_eq!(lineage(&snapshot), json!({"kind": "disk", "id": first, "uniqueId": unique}));
    assert_eq!(world.get(&snapshot)["properties"]["creationData"]["sourceUniqueId"], unique);
    assert!(!world.get(&snapshot).to_string().contains("lineage"));
}

#[test]
fn a_snapshot_in_another_region_brings_its_bytes_there() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let image = world.publish("1.0.0", &disk, &["westeurope"]);
    let first = made(&world, "disks/first", &body("westeurope", of_image(&image)));
    let far = made(&world, "snapshots/far", &body("northeurope", copy_of(&first)));
    assert_eq!(world.bytes_of(&far, "northeurope"), disk.bytes());
    world.delete(&first);
    world.delete(&image);
    world.collect();
    assert_eq!(world.stored_bytes("westeurope"), 0);
    assert_eq!(world.bytes_of(&far, "northeurope"), disk.bytes());
    world.is_clean();
}

#[test]
fn a_disk_that_grows_is_the_same_bytes_and_zeros_behind_them() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let image = world.publish("1.0.0", &disk, &["westeurope"]);
    let first = made(&world, "disks/first", &body("westeurope", of_image(&image)));
    assert_eq!(world.get(&first)["properties"]["diskSizeBytes"], disk.bytes().len());
    let before = stored(&world);
    let grow = json!({"properties": {"diskSizeGB": 2}});
    let grown = world.ask(Method::Patch, &first, "api-version=2023-04-02", &grow);
    assert_eq!(grown.status, 200, "{grown:?}");
    let row = world.run(world.rows.row(&first.parse().unwrap())).unwrap().unwrap();
    let image = Image::of(&control::stored_of(&row).unwrap().document).unwrap();
    assert_eq!(image.size_bytes, 2 << 30);
    let open = world.store("westeurope").image(image.root, image.size_bytes).unwrap();
    let (mut front, mut back) = (vec![0xee; disk.bytes().len()], vec![0xee; 4096]);
    open.read(0, &mut front).unwrap();
    open.read((2 << 30) - 4096, &mut back).unwrap();
    assert!(front == disk.bytes() && back == [0; 4096]);
    assert_eq!(stored(&world), before);
    world.is_clean();
}

#[test]
fn a_disk_smaller_than_its_image_fails_in_words() {
    let world = World::new();
    let disk = Disk::new(1, 4);
    let id = world.begin_upload(SUBSCRIPTION, "1.0.0", 3 << 30);
    let (mut entries, chunks) = super::world::cut(&disk);
    entries.push(store::Entry::Hole { length: (3 << 30) - u64::try_from(disk.bytes().len()).unwrap() });
    world.send(&id, &chunks).unwrap();
    world.commit(&id, entries).unwrap();
    world.made(&version("1.0.0"), &super::world::version_body("1.0.0", &["westeurope"]));
    world.run_due();
    let mut small = body("westeurope", of_image(&version("1.0.0")));
    small["properties"]["diskSizeGB"] = json!(2);
    let reply = world.put(&compute("disks/d"), &small);
    world.run_due();
    let JobState::Failed(error) = world.operation_of(&reply).state else { panic!("it has not failed") };
    assert_eq!(error["target"], "properties.diskSizeGB");
    assert!(error["message"].as_str().unwrap().contains("disk size 2 GB is smaller"), "{error}");
    assert_eq!(world.state(&compute("disks/d")), "Failed");
    // Asked for anew it is made.
    small["properties"]["diskSizeGB"] = json!(3);
    assert_eq!(world.put(&compute("disks/d"), &small).status, 200);
    world.run_due();
    assert_eq!(world.state(&compute("disks/d")), "Succeeded");
    world.is_clean();
}

#[rstest]
#[case::not_there(&["eastus"], "GalleryImageNotFound")]
fn an_image_that_is_not_complete_there_is_named(#[case] regions: &[&str], #[case] code: &str) {
    let world = World::new();
    let regions = [&["westeurope"], regions].concat();
    world.publish("1.0.0", &Disk::new(1, 4), &regions);
    let reply = world.put(&compute("disks/d"), &body("northeurope", of_image(&definition(SUBSCRIPTION))));
    world.run_due();
    let JobState::Failed(error) = world.operation_of(&reply).state else { panic!("it has not failed") };
    assert_eq!(error["code"], code);
    world.is_clean();
}

#[test]
fn a_source_that_goes_before_the_job_ran_fails_the_copy() {
    let world = World::new();
    let first = made(
        &world,
        "disks/first",
        &json!({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}}),
    );
    let reply = world.put(&compute("disks/second"), &body("westeurope", copy_of(&first)));
    world.delete(&first);
    world.run_due();
    let JobState::Failed(error) = world.operation_of(&reply).state else { panic!("it has not failed") };
    assert!(error["message"].as_str().unwrap().contains("does not exist any more"), "{error}");
    world.collect();
    world.is_clean();
}

#[test]
fn a_blob_is_imported_and_its_signature_told_to_nobody() {
    let world = World::with(|settings| settings.source.allow = vec!["127.0.0.1".parse().unwrap()]);
    let disk = Disk::new(1, 8);
    let web = world.run(Web::serve(vhd(&disk), Manner::Honest));
    let id = made(
        &world,
        "disks/d",
        &body("westeurope", json!({"createOption": "Import", "sourceUri": web.url()})),
    );
    assert!(world.bytes_of(&id, "westeurope").starts_with(disk.bytes()));
    let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    assert!(web.url().contains("canary") && !row.document.to_string().contains("canary"), "{row:?}");
    world.is_clean();
}

/// A copy to another region: the longest way.
fn create() -> Plan<Disk> {
    Plan {
        about_to: || {
            let world = World::new();
            let disk = Disk::new(1, 8);
            world.publish("1.0.0", &disk, &["westeurope"]);
            let first = made(&world, "disks/first", &body("westeurope", of_image(&version("1.0.0"))));
            world.made(&compute("snapshots/s"), &body("eastus", copy_of(&first)));
            (world, disk)
        },
        is_done: |world, disk| {
            assert_eq!(world.state(&compute("snapshots/s")), "Succeeded");
            assert!(world.bytes_of(&compute("snapshots/s"), "eastus") == disk.bytes());
        },
    }
}

fn empty() -> Plan<()> {
    Plan {
        about_to: || {
            let world = World::new();
            world.made(&compute("disks/d"), &json!({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}}));
            (world, ())
        },
        is_done: |world, ()| assert_eq!(world.state(&compute("disks/d")), "Succeeded"),
    }
}

#[test]
fn the_jobs_of_disks_resume_wherever_the_process_died() {
    create().resumes_wherever_the_process_died();
    empty().resumes_wherever_the_process_died();
}

#[test]
fn the_jobs_of_disks_are_tried_again_when_the_rows_fail() {
    create().is_tried_again_when_the_rows_fail();
    empty().is_tried_again_when_the_rows_fail();
}

#[test]
fn the_jobs_of_disks_are_tried_again_when_a_folder_fails() {
    create().is_tried_again_when_a_disk_fails();
    empty().is_tried_again_when_a_disk_fails();
}
