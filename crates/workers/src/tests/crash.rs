//! The process dies, or something fails, at every single call and step of a job: it always ends well afterwards.

use super::disk::Disk;
use super::rows::Fate;
use super::world::{REGIONS, World, version};

/// Long enough for every pause between tries.
const LATER_SECONDS: i64 = 3600;

/// A world in which one job is about to run, and what it is to come to.
pub(crate) struct Plan<T> {
    pub(crate) about_to: fn() -> (World, T),
    pub(crate) is_done: fn(&World, &T),
}

impl<T> Plan<T> {
    /// How many calls of the rows an undisturbed run takes, and how many steps on folders.
    fn lengths(&self) -> (usize, usize) {
        let (world, wanted) = (self.about_to)();
        world.rows.arm(None);
        world.faults.fail_step(None);
        assert_eq!(world.run_due(), 1);
        let lengths = (world.rows.count(), world.faults.steps());
        self.is_done(&world, &wanted);
        lengths
    }

    /// It is done, and nothing is left over.
    fn is_done(&self, world: &World, wanted: &T) {
        (self.is_done)(world, wanted);
        world.collect();
        world.sweep();
        world.is_clean();
        assert_eq!(world.verify().open_operation_count, 0);
        (self.is_done)(world, wanted);
    }

    /// The process dies before and after each call of the rows.
    pub(crate) fn resumes_wherever_the_process_died(&self) {
        let (calls, _) = self.lengths();
        for at in 0..calls {
            for fate in [Fate::DiesBefore, Fate::DiesAfter] {
                let (mut world, wanted) = (self.about_to)();
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
                world.sweep();
                world.clock.advance(LATER_SECONDS);
                world.run_due();
                self.is_done(&world, &wanted);
            }
        }
    }

    /// Each call of the rows fails once.
    pub(crate) fn is_tried_again_when_the_rows_fail(&self) {
        let (calls, _) = self.lengths();
        for at in 0..calls {
            let (world, wanted) = (self.about_to)();
            world.rows.arm(Some((at, Fate::Fails)));
            world.run_due();
            world.rows.arm(None);
            // A lease that could not be ended or handed back runs out.
            for _ in 0..3 {
                world.clock.advance(LATER_SECONDS);
                world.run_due();
            }
            self.is_done(&world, &wanted);
        }
    }

    /// Each step on a folder fails once.
    pub(crate) fn is_tried_again_when_a_disk_fails(&self) {
        let (_, steps) = self.lengths();
        for at in 0..steps {
            let (world, wanted) = (self.about_to)();
            world.faults.fail_step(Some(at));
            world.run_due();
            world.faults.fail_step(None);
            for _ in 0..2 {
                world.clock.advance(LATER_SECONDS);
                world.run_due();
            }
            self.is_done(&world, &wanted);
        }
    }
}

/// A publish. Another version shares chunks with it.
fn publish() -> Plan<Disk> {
    Plan {
        about_to: || {
            let world = World::new();
            let disk = Disk::new(1, 8);
            world.publish("1.0.0", &disk.touched(2), &["westeurope", "eastus"]);
            world.ask_for_version("1.0.1", &disk, &REGIONS);
            (world, disk)
        },
        is_done: |world, disk| {
            let id = version("1.0.1");
            assert_eq!(world.state(&id), "Succeeded");
            world.stands(&id, disk, &REGIONS);
        },
    }
}

#[test]
fn a_publish_resumes_wherever_the_process_died() {
    let (calls, steps) = publish().lengths();
    assert!(calls > 10 && steps > 10, "{calls} {steps}");
    publish().resumes_wherever_the_process_died();
}

#[test]
fn a_publish_is_tried_again_when_the_rows_fail() {
    publish().is_tried_again_when_the_rows_fail();
}

#[test]
fn a_publish_is_tried_again_when_a_disk_fails_at_any_step() {
    publish().is_tried_again_when_a_disk_fails();
}
