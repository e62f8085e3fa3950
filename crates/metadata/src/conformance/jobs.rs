//! What jobs promise: leases, progress, endings, and what removal does to them.

use rstest::rstest;
use serde_json::json;

use super::{Backend, at, deleting, enqueueing, gallery, group, job, job_id, putting, row, subscription};
use crate::{Change, Ending, Error, Expect, Job, JobState, NewJob, Row, Store};

async fn lease(store: &dyn Store, owner: &str, now: i64, until: i64) -> Option<Job> {
    store.lease(owner, at(now), at(until)).await.unwrap()
}

fn is_lost(answer: &Result<(), Error>) -> bool {
    matches!(answer, Err(Error::LeaseLost))
}

#[rstest]
#[tokio::test]
async fn a_job_goes_its_way(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let id = gallery("G1", "Mine");
    let new = job(1, &id, 5);
    let owned = Row { operation: Some(new.id), ..row(&id, "e1") };
    let change = Change { put: vec![owned], ..enqueueing(vec![new.clone()]) };
    store.commit(change).await.unwrap();
    assert!(lease(&*store, "w", 4, 10).await.is_none());
    let leased = lease(&*store, "w", 5, 10).await.unwrap();
    let wanted = Job {
        id: new.id,
        kind: new.kind,
        target: new.target,
        input: new.input,
        outputs: serde_json::Map::new(),
        attempt: 1,
        state: JobState::Running,
        correlation_id: new.correlation_id,
        created_at: at(5),
        ended_at: None,
    };
    assert_eq!(leased, wanted);
    assert!(lease(&*store, "w", 9, 20).await.is_none());
    store.renew(new.id, "w", at(30)).await.unwrap();
    assert!(lease(&*store, "x", 29, 40).await.is_none());
    store.record(new.id, "w", "copy", &json!({"bytes": 1}), Change::default()).await.unwrap();
    store.record(new.id, "w", "copy", &json!({"bytes": 2}), Change::default()).await.unwrap();
    store.record(new.id, "w", "seal", &json!(null), Change::default()).await.unwrap();
    let done = Change { put: vec![Row { operation: Some(new.id), ..row(&id, "e2") }], ..Change::default() };
    store.finish(new.id, "w", Ending::Succeeded(json!({"sas": "…"})), at(31), done).await.unwrap();

    let found = store.job(new.id).await.unwrap().unwrap();
    assert_eq!(serde_json::Value::Object(found.outputs), json!({"copy": {"bytes": 2}, "seal": null}));
    assert_eq!((found.state, found.ended_at), (JobState::Succeeded(json!({"sas": "…"})), Some(at(31))));
    let freed = store.row(&id).await.unwrap().unwrap();
    assert_eq!((freed.etag.as_str(), freed.operation), ("e2", None));
    assert!(store.open_jobs().await.unwrap().is_empty());
    assert!(lease(&*store, "w", 1000, 2000).await.is_none());
}

#[rstest]
#[tokio::test]
async fn the_longest_waiting_comes_first(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let id = gallery("g1", "g");
    let jobs = vec![job(9, &id, 30), job(8, &id, 10), job(7, &id, 10), job(6, &id, 99)];
    store.commit(enqueueing(jobs)).await.unwrap();
    assert_eq!(store.open_jobs().await.unwrap(), [8, 7, 9, 6].map(job_id));
    assert_eq!(lease(&*store, "w", 40, 50).await.unwrap().id, job_id(8));
    store.postpone(job_id(8), "w", at(20)).await.unwrap();
    let order = [
        lease(&*store, "w", 40, 50).await.unwrap().id,
        lease(&*store, "w", 40, 50).await.unwrap().id,
        lease(&*store, "w", 40, 50).await.unwrap().id,
    ];
    assert_eq!(order, [7, 8, 9].map(job_id));
    assert!(lease(&*store, "w", 40, 50).await.is_none());
    // Leases that ran out queue up behind what became due meanwhile.
    store.renew(job_id(7), "w", at(100)).await.unwrap();
    store.renew(job_id(8), "w", at(1000)).await.unwrap();
    store.renew(job_id(9), "w", at(1000)).await.unwrap();
    assert_eq!(lease(&*store, "x", 100, 200).await.unwrap().id, job_id(6));
    assert_eq!(lease(&*store, "x", 100, 200).await.unwrap().id, job_id(7));
}

#[rstest]
#[tokio::test]
async fn a_lease_that_ran_out_passes_on(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    store.commit(enqueueing(vec![job(1, &gallery("g1", "g"), 0)])).await.unwrap();
    lease(&*store, "slow", 0, 10).await.unwrap();
    store.record(job_id(1), "slow", "one", &json!(1), Change::default()).await.unwrap();
    // Nobody took it yet: the owner may still renew.
    store.renew(job_id(1), "slow", at(20)).await.unwrap();
    assert!(lease(&*store, "next", 19, 30).await.is_none());
    let taken = lease(&*store, "next", 20, 30).await.unwrap();
    assert_eq!((taken.attempt, taken.outputs.get("one")), (1, Some(&json!(1))));
    let change = || putting([&gallery("g1", "late")]);
    assert!(is_lost(&store.renew(job_id(1), "slow", at(99)).await));
    assert!(is_lost(&store.record(job_id(1), "slow", "two", &json!(2), change()).await));
    assert!(is_lost(&store.postpone(job_id(1), "slow", at(99)).await));
    assert!(is_lost(&store.finish(job_id(1), "slow", Ending::Canceled, at(21), change()).await));
    assert!(is_lost(&store.renew(job_id(404), "next", at(99)).await));
    assert!(store.row(&gallery("g1", "late")).await.unwrap().is_none());
    store.record(job_id(1), "next", "two", &json!(2), change()).await.unwrap();
    assert!(store.row(&gallery("g1", "late")).await.unwrap().is_some());
}

#[rstest]
#[tokio::test]
async fn attempts_count_up_to_the_next_progress(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    store.commit(enqueueing(vec![job(1, &gallery("g1", "g"), 0)])).await.unwrap();
    assert_eq!(lease(&*store, "a", 0, 1).await.unwrap().attempt, 1);
    assert_eq!(lease(&*store, "b", 1, 2).await.unwrap().attempt, 2);
    store.postpone(job_id(1), "b", at(5)).await.unwrap();
    assert_eq!(lease(&*store, "c", 5, 6).await.unwrap().attempt, 3);
    store.record(job_id(1), "c", "one", &json!(1), Change::default()).await.unwrap();
    assert_eq!(store.job(job_id(1)).await.unwrap().unwrap().attempt, 0);
    assert_eq!(lease(&*store, "d", 6, 7).await.unwrap().attempt, 1);
}

#[rstest]
#[tokio::test]
async fn a_refused_change_takes_the_step_with_it(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let id = gallery("g1", "g");
    store.commit(enqueueing(vec![job(1, &id, 0)])).await.unwrap();
    lease(&*store, "w", 0, 10).await.unwrap();
    let refused = || Change { expect: vec![Expect::Exists(id.clone())], ..Change::default() };
    let error = store.record(job_id(1), "w", "one", &json!(1), refused()).await.unwrap_err();
    assert!(matches!(error, Error::Absent(_)), "{error}");
    let error = store.finish(job_id(1), "w", Ending::Canceled, at(1), refused()).await.unwrap_err();
    assert!(matches!(error, Error::Absent(_)), "{error}");
    let found = store.job(job_id(1)).await.unwrap().unwrap();
    assert!(found.outputs.is_empty());
    assert_eq!((found.state, found.attempt, found.ended_at), (JobState::Running, 1, None));
}

#[rstest]
#[tokio::test]
async fn removal_cancels_the_jobs_of_what_goes(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let (gone, stays) = (gallery("g1", "gone"), gallery("g1", "gone2"));
    let owned = |id, number| Row { operation: Some(job_id(number)), ..row(id, "e1") };
    let change = Change {
        put: vec![owned(&gone, 1), owned(&stays, 1), row(&group("g1"), "e1")],
        ..enqueueing(vec![job(1, &gone, 50), job(2, &stays, 50), job(3, &gone, 60)])
    };
    store.commit(change).await.unwrap();
    lease(&*store, "w", 50, 90).await.unwrap();
    let cleanup = NewJob { created_at: at(55), ..job(4, &gone, 55) };
    store.commit(Change { jobs: vec![cleanup], ..deleting(&[&gone]) }).await.unwrap();

    let canceled = store.job(job_id(1)).await.unwrap().unwrap();
    assert_eq!((canceled.state, canceled.ended_at), (JobState::Canceled, Some(at(55))));
    // A job does not end before it began.
    assert_eq!(store.job(job_id(3)).await.unwrap().unwrap().ended_at, Some(at(60)));
    assert_eq!(store.row(&stays).await.unwrap().unwrap().operation, None);
    assert!(is_lost(&store.renew(job_id(1), "w", at(99)).await));
    assert!(is_lost(&store.record(job_id(1), "w", "s", &json!(1), Change::default()).await));
    assert!(is_lost(&store.finish(job_id(1), "w", Ending::Canceled, at(60), Change::default()).await));
    assert_eq!(store.open_jobs().await.unwrap(), [2, 4].map(job_id));
    // The job that cleans up after the row is not on a row that goes.
    store.commit(Change { delete_within: vec![group("g1")], ..Change::default() }).await.unwrap();
    assert_eq!(store.open_jobs().await.unwrap(), [job_id(4)]);
    // Nothing named a time, so the beginning has to do.
    assert_eq!(store.job(job_id(2)).await.unwrap().unwrap().ended_at, Some(at(50)));
}

#[rstest]
#[tokio::test]
async fn a_job_may_remove_its_own_resource(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let inside = gallery("g1", "inside");
    let jobs = vec![job(1, &group("g1"), 1), job(2, &inside, 2)];
    store.commit(Change { jobs, ..putting([&group("g1"), &inside]) }).await.unwrap();
    lease(&*store, "w", 1, 10).await.unwrap();
    store.record(job_id(1), "w", "empty", &json!(1), deleting(&[&inside])).await.unwrap();
    assert_eq!(store.job(job_id(2)).await.unwrap().unwrap().state, JobState::Canceled);
    let other_job = job(3, &group("g1"), 3);
    let own = Change { jobs: vec![other_job], ..deleting(&[&group("g1")]) };
    store.record(job_id(1), "w", "remove", &json!(2), own).await.unwrap();
    assert_eq!(store.job(job_id(1)).await.unwrap().unwrap().state, JobState::Running);
    store.commit(putting([&group("g1")])).await.unwrap();
    let all = Change { delete_within: vec![group("g1")], ..Change::default() };
    store.finish(job_id(1), "w", Ending::Succeeded(json!(null)), at(5), all).await.unwrap();
    let found = store.job(job_id(1)).await.unwrap().unwrap();
    assert_eq!(found.state, JobState::Succeeded(json!(null)));
    let other = store.job(job_id(3)).await.unwrap().unwrap();
    assert_eq!((other.state, other.ended_at), (JobState::Canceled, Some(at(5))));
    assert!(store.row(&group("g1")).await.unwrap().is_none());
}

#[rstest]
#[tokio::test]
async fn an_operation_may_end_with_its_request(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let states = [
        JobState::Succeeded(json!({"value": [1]})),
        JobState::Failed(json!({"code": "Conflict"})),
        JobState::Canceled,
    ];
    let jobs = states
        .iter()
        .zip(1..)
        .map(|(state, number)| NewJob { state: state.clone(), ..job(number, &subscription(), 5) });
    store.commit(enqueueing(jobs.collect())).await.unwrap();
    for (state, number) in states.iter().zip(1..) {
        let found = store.job(job_id(number)).await.unwrap().unwrap();
        assert_eq!((&found.state, found.ended_at), (state, Some(at(5))));
    }
    assert!(lease(&*store, "w", 100, 200).await.is_none());
    assert!(store.open_jobs().await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn ended_jobs_are_forgotten_and_open_ones_never(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let ended = |number, second| NewJob { state: JobState::Canceled, ..job(number, &subscription(), second) };
    store
        .commit(enqueueing(vec![ended(1, 1), ended(2, 2), ended(3, 3), job(4, &subscription(), 0)]))
        .await
        .unwrap();
    assert_eq!(store.forget_jobs(at(3)).await.unwrap(), 2);
    assert_eq!(store.job(job_id(1)).await.unwrap(), None);
    assert!(store.job(job_id(3)).await.unwrap().is_some());
    assert_eq!(store.forget_jobs(at(1000)).await.unwrap(), 1);
    assert_eq!(store.open_jobs().await.unwrap(), [job_id(4)]);
}

#[rstest]
#[tokio::test]
async fn a_new_process_takes_over_what_the_old_one_left(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let id = gallery("g1", "g");
    let jobs = vec![job(1, &id, 1), job(2, &id, 2), job(3, &id, 3), job(4, &id, 1000)];
    store.commit(enqueueing(jobs)).await.unwrap();
    lease(&*store, "old", 10, 500).await.unwrap();
    lease(&*store, "older", 10, 500).await.unwrap();
    lease(&*store, "new", 10, 500).await.unwrap();
    assert_eq!(store.take_over("new").await.unwrap(), 2);
    assert_eq!(store.take_over("new").await.unwrap(), 0);
    assert!(is_lost(&store.renew(job_id(1), "old", at(99)).await));
    store.renew(job_id(3), "new", at(99)).await.unwrap();
    let again = lease(&*store, "new", 10, 500).await.unwrap();
    assert_eq!((again.id, again.attempt), (job_id(1), 2));
    assert_eq!(lease(&*store, "new", 10, 500).await.unwrap().id, job_id(2));
    assert!(lease(&*store, "new", 10, 500).await.is_none());
}
