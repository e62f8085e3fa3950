//! What the collector frees, and what it never touches.

use metadata::{Change, Row, Store};
use store::CopyProgress;

use super::disk::Disk;
use super::world::{REGIONS, SUBSCRIPTION, World, cut, upload, version_body};
use crate::CommitReply;

#[test]
fn a_deleted_version_leaves_no_byte() {
    let world = World::new();
    let id = world.publish("1.0.0", &Disk::new(1, 8), &REGIONS);
    assert!(REGIONS.iter().all(|name| world.stored_bytes(name) > 0));
    world.delete(&id);
    world.collect();
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), [0; 3]);
    world.is_clean();
}

#[test]
fn chunks_that_another_version_uses_stay() {
    let world = World::new();
    let disk = Disk::new(1, 16);
    let first = world.publish("1.0.0", &disk, &REGIONS);
    let touched = disk.touched(2);
    let second = world.publish("1.0.1", &touched, &REGIONS);
    world.delete(&first);
    world.collect();
    world.stands(&second, &touched, &REGIONS);
    world.is_clean();
}

#[test]
fn a_region_that_is_no_target_any_more_is_freed() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.publish("1.0.0", &disk, &REGIONS);
    world.made(&id, &version_body("1.0.0", &["westeurope", "northeurope"]));
    world.run_due();
    world.collect();
    assert_eq!(world.stored_bytes("eastus"), 0);
    assert!(world.replica(&id, "eastus").is_none());
    assert!(world.read(&id, "eastus").is_err());
    world.stands(&id, &disk, &["westeurope", "northeurope"]);
    // And it can come back.
    world.made(&id, &version_body("1.0.0", &REGIONS));
    world.run_due();
    world.stands(&id, &disk, &REGIONS);
    world.is_clean();
}

#[test]
fn a_region_that_comes_later_is_held_before_it_is_copied_to() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.publish("1.0.0", &disk, &["westeurope"]);
    // Its chunks are in eastus already, for a version that goes while this one is copied.
    let other = world.publish("1.0.1", &disk, &["westeurope", "eastus"]);
    world.made(&id, &version_body("1.0.0", &REGIONS));
    world.faults.break_region("northeurope");
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    world.delete(&other);
    world.collect();
    world.stands(&id, &disk, &["westeurope", "eastus"]);
    world.is_clean();
}

#[test]
fn an_open_upload_keeps_what_it_brought() {
    let mut world = World::new();
    let disk = Disk::new(1, 16);
    let id = world.begin_upload(SUBSCRIPTION, "u", u64::try_from(disk.bytes().len()).unwrap());
    let (entries, chunks) = cut(&disk);
    // The second part is too short to fill a pack.
    let (last, first) = chunks.split_last().unwrap();
    world.send(&id, first).unwrap();
    world.send(&id, std::slice::from_ref(last)).unwrap();
    world.collect();
    world.is_clean();
    // What was sealed before the restart is kept, the rest is asked for again.
    world.restart();
    world.collect();
    world.is_clean();
    let CommitReply::Missing(missing) = world.commit(&id, entries.clone()).unwrap() else {
        panic!("the last pack was not sealed")
    };
    assert!(!missing.is_empty() && missing.len() < chunks.len(), "{} of {}", missing.len(), chunks.len());
    let again: Vec<_> = chunks.into_iter().filter(|(digest, _)| missing.contains(digest)).collect();
    world.send(&id, &again).unwrap();
    world.collect();
    assert!(matches!(world.commit(&id, entries).unwrap(), CommitReply::Committed { .. }));
    world.collect();
    world.is_clean();
}

#[test]
fn an_upload_that_was_deleted_leaves_no_byte_and_no_file() {
    let world = World::new();
    let disk = Disk::new(1, 16);
    let id = world.begin_upload(SUBSCRIPTION, "u", u64::try_from(disk.bytes().len()).unwrap());
    world.send(&id, &cut(&disk).1).unwrap();
    world.delete(&upload(SUBSCRIPTION, "u"));
    world.collect();
    assert_eq!(world.stored_bytes("westeurope"), 0);
    assert_eq!(std::fs::read_dir(world.region_folder("westeurope").join("staging")).unwrap().count(), 0);
    world.is_clean();
}

#[test]
fn a_name_used_again_is_another_upload() {
    let world = World::new();
    let (first, second) = (Disk::new(1, 16), Disk::new(2, 16));
    let size = u64::try_from(first.bytes().len()).unwrap();
    let id = world.begin_upload(SUBSCRIPTION, "u", size);
    world.send(&id, &cut(&first).1).unwrap();
    world.delete(&upload(SUBSCRIPTION, "u"));
    world.clock.advance(1);
    world.begin_upload(SUBSCRIPTION, "u", size);
    let (entries, chunks) = cut(&second);
    world.send(&id, &chunks).unwrap();
    world.collect();
    assert!(matches!(world.commit(&id, entries).unwrap(), CommitReply::Committed { .. }));
    world.made(&super::world::version("1.0.0"), &{
        let source = serde_json::json!({"osDiskImage": {"source": {"id": upload(SUBSCRIPTION, "u")}}});
        super::world::body_from(&source, &REGIONS)
    });
    world.run_due();
    world.collect();
    world.stands(&super::world::version("1.0.0"), &second, &REGIONS);
    world.is_clean();
}

#[test]
fn a_copy_under_way_keeps_what_it_copies() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = world.publish("1.0.0", &disk, &["westeurope"]);
    let root = world.run(metadata::Store::row(world.rows.as_ref(), &id.parse().unwrap())).unwrap().unwrap();
    let root = root.document["internal"]["root"].as_str().unwrap().parse().unwrap();
    world.delete(&id);
    let (from, to) = (world.store("westeurope"), world.store("eastus"));
    let collect_once = std::sync::Once::new();
    // The version goes, and the collector comes, in the middle of the copy.
    let progress = |_: CopyProgress| collect_once.call_once(|| world.collect());
    let copied = store::copy(root, &from, &to, store::Owner([9; 16]), &progress, &|| false).unwrap();
    assert!(copied.sent_bytes > 0);
    drop(copied);
    world.collect();
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), [0; 3]);
}

#[test]
fn every_upload_whose_time_is_over_is_removed() {
    let world = World::new();
    let id = world.begin_upload(SUBSCRIPTION, "u", 1 << 20);
    let row = world.run(world.rows.row(&id)).unwrap().unwrap();
    let others = (0..700).map(|number| {
        let name = format!("u{number:03}");
        Row { id: upload(SUBSCRIPTION, &name).parse().unwrap(), sort_key: name, ..row.clone() }
    });
    world.run(world.rows.commit(Change { put: others.collect(), ..Change::default() })).unwrap();
    let count = || {
        let listing = metadata::Listing::Within { scope: id.parent().unwrap() };
        world.run(world.rows.list(&listing, None, 2000)).unwrap().len()
    };
    let before = count();
    world.sweep();
    assert_eq!(count(), before);
    world.clock.advance(365 * 24 * 3600);
    world.sweep();
    assert_eq!(count(), before - 701);
}
