//! Sequences in which engine and model once differed, or that random ones seldom meet.

use providers::State;

use super::follow;
use super::requests::{Match, Op, SOURCES, Thing, Verb, shelf};

fn op(thing: Thing, verb: Verb) -> Op {
    Op { thing, verb, condition: Match::Unconditional }
}

fn publish(source: Option<&'static str>, regions: Option<&'static [&'static str]>) -> Verb {
    Verb::PutVersion { source, regions, excluded: None }
}

/// A failed version that is put again tries again, even when nothing else changed.
#[tokio::test]
async fn a_failed_version_is_taken_up_again() {
    let version = Thing::Version(0, 0, 0);
    let mut ops = shelf();
    ops.extend([
        op(version.clone(), publish(Some(SOURCES[0]), None)),
        op(version.clone(), Verb::EndJobs(State::Failed)),
        op(version.clone(), Verb::Get),
        op(version.clone(), publish(None, None)),
        op(version.clone(), publish(Some(SOURCES[0]), Some(&["westeurope", "northeurope"]))),
        op(version.clone(), Verb::EndJobs(State::Succeeded)),
        op(version, Verb::Get),
    ]);
    follow(&ops).await.unwrap();
}

/// A number that was deleted while its job ran can be taken anew at once, from another source.
#[tokio::test]
async fn a_number_that_was_let_go_is_free() {
    let version = Thing::Version(0, 0, 1);
    let mut ops = shelf();
    ops.extend([
        op(version.clone(), publish(Some(SOURCES[0]), None)),
        op(version.clone(), Verb::Delete),
        op(version.clone(), publish(Some(SOURCES[1]), None)),
        op(version.clone(), Verb::EndJobs(State::Succeeded)),
        op(version, Verb::Get),
    ]);
    follow(&ops).await.unwrap();
}
