//! The bytes of versions that were deleted and can be taken back.

use control::Method;
use metadata::Store;
use serde_json::{Value, json};

use super::disk::Disk;
use super::world::{REGIONS, SUBSCRIPTION, World, gallery, version};

const DAY: i64 = 24 * 3600;

fn world() -> World {
    let world = World::new();
    let policy = json!({"isSoftDeleteEnabled": true, "retentionPeriodInDays": 3, "gracePeriodInDays": 2});
    let properties = json!({"softDeletePolicy": policy});
    world.made(&gallery(SUBSCRIPTION), &json!({"location": "westeurope", "properties": properties}));
    world
}

fn artifacts(world: &World) -> usize {
    let path = format!("{}/softDeletedArtifactTypes/Images/artifacts/linux/versions", gallery(SUBSCRIPTION));
    let reply = world.ask(Method::Get, &path, "api-version=2026-03-03", &Value::Null);
    reply.body.unwrap()["value"].as_array().unwrap().len()
}

#[test]
fn a_version_comes_back_with_its_bytes_until_its_time_is_over() {
    let world = world();
    let disk = Disk::new(1, 8);
    let id = world.publish("1.0.0", &disk, &REGIONS);
    world.delete(&id);
    // Through the retention and into the time of grace.
    for _ in 0..4 {
        world.clock.advance(DAY);
        world.sweep();
        world.collect();
        world.is_clean();
    }
    assert!(world.read(&id, "westeurope").is_err(), "what is deleted is not read");
    world.made(&id, &json!({"location": "westeurope", "tags": {}}));
    assert_eq!(world.state(&id), "Updating");
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, &disk, &REGIONS);
    world.collect();
    world.stands(&id, &disk, &REGIONS);
    world.is_clean();
}

#[test]
fn when_its_time_is_over_it_leaves_no_byte() {
    let world = world();
    let id = world.publish("1.0.0", &Disk::new(1, 8), &REGIONS);
    world.delete(&id);
    world.clock.advance(5 * DAY - 1);
    world.sweep();
    assert_eq!(artifacts(&world), 1);
    world.collect();
    assert!(REGIONS.iter().all(|name| world.stored_bytes(name) > 0));
    world.clock.advance(1);
    world.sweep();
    assert_eq!(artifacts(&world), 0);
    let scope = gallery(SUBSCRIPTION).parse().unwrap();
    let log = world.run(world.rows.activity(&scope, jiff::Timestamp::UNIX_EPOCH, 1)).unwrap();
    assert!(log[0].action.ends_with("softDeletedArtifactTypes/artifacts/versions/delete"), "{log:?}");
    world.collect();
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), [0; 3]);
    world.is_clean();
}

#[test]
fn what_was_still_copied_when_it_was_deleted_is_copied_when_it_comes_back() {
    let world = world();
    let disk = Disk::new(1, 8);
    let id = world.publish("1.0.0", &disk, &["westeurope"]);
    // More regions are asked for, and it is deleted before they are reached.
    let more: Vec<Value> = REGIONS.iter().map(|name| json!({"name": name})).collect();
    world.made(
        &id,
        &json!({"location": "westeurope", "properties": {"publishingProfile": {"targetRegions": more}}}),
    );
    world.delete(&id);
    assert_eq!(artifacts(&world), 1);
    assert_eq!(world.run_due(), 0, "the copy is canceled");
    world.collect();
    world.is_clean();
    world.made(&version("1.0.0"), &json!({"location": "westeurope"}));
    world.run_due();
    world.stands(&id, &disk, &REGIONS);
    world.is_clean();
}
