//! Many tasks at once: who wins, and that only one does.

use std::future::{Future as _, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll};

use rstest::rstest;
use tokio::task::JoinSet;

use super::{Backend, Opened, at, claims, definition, deleting, enqueueing, gallery, job, putting, row};
use crate::{Change, Error, Expect, Row, Store};

const TASKS: u32 = 64;

/// Commits what `change` makes of each number, all at once, and answers each outcome.
async fn commit_all(store: &Opened, change: impl Fn(u32) -> Change) -> Vec<Result<(), Error>> {
    let start = Arc::new(tokio::sync::Barrier::new(usize::try_from(TASKS).unwrap()));
    let mut tasks = JoinSet::new();
    for number in 0..TASKS {
        let (store, start, change) = (store.share(), Arc::clone(&start), change(number));
        tasks.spawn(async move {
            start.wait().await;
            store.commit(change).await
        });
    }
    tasks.join_all().await
}

fn wins(outcomes: &[Result<(), Error>]) -> usize {
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_with_the_same_etag_one_wins(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let id = gallery("g1", "g");
    store.commit(putting([&id])).await.unwrap();
    let outcomes = commit_all(&store, |number| Change {
        expect: vec![Expect::Unchanged(id.clone(), "e1".to_owned())],
        put: vec![row(&id, &format!("by {number}"))],
        ..Change::default()
    })
    .await;
    assert_eq!(wins(&outcomes), 1);
    let lost = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Stale(_)))).count();
    assert_eq!(lost, outcomes.len() - 1);
    assert!(store.row(&id).await.unwrap().unwrap().etag.starts_with("by "));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_claim_a_word_one_wins(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let id = |number: u32| gallery("g1", &format!("g{number}"));
    let outcomes = commit_all(&store, |number| Change {
        expect: vec![Expect::NoRow(id(number))],
        put: vec![Row { claims: claims(&["the word"]), ..row(&id(number), "e1") }],
        ..Change::default()
    })
    .await;
    assert_eq!(wins(&outcomes), 1);
    let mut holder = None;
    for number in 0..TASKS {
        if let Some(row) = store.row(&id(number)).await.unwrap() {
            assert_eq!(holder.replace(row.id), None);
        }
    }
    for outcome in outcomes {
        let Err(error) = outcome else { continue };
        assert!(
            matches!(&error, Error::Taken { holder: named, .. } if Some(named) == holder.as_ref()),
            "{error}"
        );
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_child_never_outlives_its_parent(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let parent = gallery("g1", "g");
    store.commit(putting([&parent])).await.unwrap();
    let outcomes = commit_all(&store, |number| {
        if number % 2 == 0 {
            return deleting(&[&parent]);
        }
        let child = definition(&parent, &format!("d{number}"));
        Change { expect: vec![Expect::Exists(parent.clone())], ..putting([&child]) }
    })
    .await;
    assert!(wins(&outcomes) > 0);
    let parent_stays = store.row(&parent).await.unwrap().is_some();
    let mut children = 0;
    for number in 0..TASKS {
        let child = definition(&parent, &format!("d{number}"));
        children += u32::from(store.row(&child).await.unwrap().is_some());
    }
    assert_eq!(parent_stays, children > 0);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn each_job_is_leased_once(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let id = gallery("g1", "g");
    store.commit(enqueueing((1..=20).map(|number| job(number, &id, 1)).collect())).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..TASKS {
        let store: Arc<dyn Store> = store.share();
        tasks.spawn(async move { store.lease(&format!("w{number}"), at(5), at(50)).await.unwrap() });
    }
    let mut leased: Vec<_> = tasks.join_all().await.into_iter().flatten().map(|job| job.id).collect();
    leased.sort_unstable();
    leased.dedup();
    assert_eq!(leased.len(), 20);
    assert!(store.lease("late", at(5), at(50)).await.unwrap().is_none());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_nobody_waits_for_blocks_no_other(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let id = |number: u32| gallery("g1", &format!("g{number}"));
    for polls in 0..TASKS {
        let shared = store.share();
        let mut abandoned =
            Box::pin(async move { shared.commit(putting([&id(polls), &id(1000 + polls)])).await });
        for _ in 0..polls {
            let poll = |context: &mut Context<'_>| Poll::Ready(abandoned.as_mut().poll(context).is_ready());
            if poll_fn(poll).await {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(abandoned);
        store.commit(putting([&gallery("g2", "after")])).await.unwrap();
        let both = (store.row(&id(polls)).await.unwrap(), store.row(&id(1000 + polls)).await.unwrap());
        assert_eq!(both.0.is_some(), both.1.is_some(), "half a change after {polls} polls");
    }
}
