//! The process dies, or something fails, at every single call and step of a publish: it always ends well afterwards.

use super::disk::Disk;
use super::rows::Fate;
use super::world::{REGIONS, World, version};

/// Long enough for every pause between tries.
const LATER_SECONDS: i64 = 3600;

/// A world in which a publish is about to run, and the disk it publishes. Another version shares chunks with it.
fn about_to_publish() -> (World, Disk) {
    let world = World::new();
    let disk = Disk::new(1, 8);
    world.publish("1.0.0", &disk.touched(2), &["westeurope", "eastus"]);
    world.ask_for_version("1.0.1", &disk, &REGIONS);
    (world, disk)
}

fn is_published(world: &World, disk: &Disk) {
    let id = version("1.0.1");
    assert_eq!(world.state(&id), "Succeeded");
    world.stands(&id, disk, &REGIONS);
    world.collect();
    world.is_clean();
    assert_eq!(world.verify().open_operation_count, 0);
    world.stands(&id, disk, &REGIONS);
}

/// How many calls of the rows an undisturbed publish takes, and how many steps on folders.
fn lengths() -> (usize, usize) {
    let (world, disk) = about_to_publish();
    world.rows.arm(None);
    world.faults.fail_step(None);
    assert_eq!(world.run_due(), 1);
    let lengths = (world.rows.count(), world.faults.steps());
    is_published(&world, &disk);
    lengths
}

#[test]
fn a_publish_resumes_wherever_the_process_died() {
    let (calls, _) = lengths();
    assert!(calls > 10, "{calls}");
    for at in 0..calls {
        for fate in [Fate::DiesBefore, Fate::DiesAfter] {
            let (mut world, disk) = about_to_publish();
            world.rows.arm(Some((at, fate)));
            let died = world.run(async {
                tokio::select! {
                    _ = world.life().workers.run_due() => false,
                    () = world.rows.died() => true,
                }
            });
            // How many reports a copy writes depends on its pace; the last calls may not be reached.
            assert!(died || at + 4 > calls, "call {at} of {calls}");
            world.restart();
            world.collect();
            world.clock.advance(LATER_SECONDS);
            world.run_due();
            is_published(&world, &disk);
        }
    }
}

#[test]
fn a_publish_is_tried_again_when_the_rows_fail() {
    let (calls, _) = lengths();
    for at in 0..calls {
        let (world, disk) = about_to_publish();
        world.rows.arm(Some((at, Fate::Fails)));
        world.run_due();
        world.rows.arm(None);
        // A lease that could not be ended or handed back runs out.
        for _ in 0..3 {
            world.clock.advance(LATER_SECONDS);
            world.run_due();
        }
        is_published(&world, &disk);
    }
}

#[test]
fn a_publish_is_tried_again_when_a_disk_fails_at_any_step() {
    let (_, steps) = lengths();
    assert!(steps > 10, "{steps}");
    for at in 0..steps {
        let (world, disk) = about_to_publish();
        world.faults.fail_step(Some(at));
        world.run_due();
        world.faults.fail_step(None);
        for _ in 0..2 {
            world.clock.advance(LATER_SECONDS);
            world.run_due();
        }
        is_published(&world, &disk);
    }
}
