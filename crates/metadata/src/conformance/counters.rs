//! What counters promise: exact at every moment, and no commit that raises one past its limit.

use rstest::rstest;

use super::{Backend, definition, deleting, gallery, group, putting, row};
use crate::{Change, Error, Limit, Row};

const HERE: &str = "s1/here/galleries";
const THERE: &str = "s1/there/galleries";

fn counting(name: &str, counters: &[&str]) -> Row {
    Row {
        counted: counters.iter().map(|counter| (*counter).to_owned()).collect(),
        ..row(&gallery("g1", name), "e1")
    }
}

fn limited(put: Vec<Row>, most: u64) -> Change {
    Change { put, limits: vec![Limit { counter: HERE.to_owned(), most }], ..Change::default() }
}

fn counts(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs.iter().map(|(counter, count)| ((*counter).to_owned(), *count)).collect()
}

#[rstest]
#[tokio::test]
async fn rows_count_while_they_stand(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let rows = vec![counting("a", &[HERE, HERE]), counting("b", &[HERE, THERE]), counting("c", &[])];
    store.commit(Change { put: rows, ..Change::default() }).await.unwrap();
    assert_eq!(store.counts("s1/").await.unwrap(), counts(&[(HERE, 2), (THERE, 1)]));
    assert_eq!(store.counts("s1/t").await.unwrap(), counts(&[(THERE, 1)]));
    assert_eq!(store.counts("s2").await.unwrap(), counts(&[]));

    // Written anew it counts as it says now; what goes counts no more, however it goes.
    store.commit(Change { put: vec![counting("B", &[THERE])], ..Change::default() }).await.unwrap();
    assert_eq!(store.counts("").await.unwrap(), counts(&[(HERE, 1), (THERE, 1)]));
    store.commit(deleting(&[&gallery("g1", "A"), &gallery("g1", "never")])).await.unwrap();
    assert_eq!(store.counts("").await.unwrap(), counts(&[(THERE, 1)]));
    let whole = Change { delete_within: vec![group("G1")], ..Change::default() };
    store.commit(whole).await.unwrap();
    assert_eq!(store.counts("").await.unwrap(), counts(&[]));
}

#[rstest]
#[tokio::test]
async fn a_limit_is_never_passed(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    store.commit(limited(vec![counting("a", &[HERE]), counting("b", &[HERE])], 2)).await.unwrap();
    let error = store.commit(limited(vec![counting("c", &[HERE])], 2)).await.unwrap_err();
    assert!(
        matches!(&error, Error::OverLimit { counter, current: 2, most: 2 } if counter == HERE),
        "{error}"
    );
    assert_eq!(store.row(&gallery("g1", "c")).await.unwrap(), None, "nothing of it is left");
    assert_eq!(store.counts("").await.unwrap(), counts(&[(HERE, 2)]));
    // One goes and one comes; and what stands above a lowered limit may be changed.
    let swap = Change { delete: vec![gallery("g1", "a")], ..limited(vec![counting("c", &[HERE])], 2) };
    store.commit(swap).await.unwrap();
    store.commit(limited(vec![counting("c", &[HERE])], 1)).await.unwrap();
    assert_eq!(store.counts("").await.unwrap(), counts(&[(HERE, 2)]));
}

#[rstest]
#[tokio::test]
async fn a_refused_commit_counts_nothing(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let parent = counting("a", &[HERE]);
    store.commit(Change { put: vec![parent.clone()], ..Change::default() }).await.unwrap();
    store.commit(putting([&definition(&parent.id, "d")])).await.unwrap();
    let orphaning = Change { put: vec![counting("b", &[HERE])], ..deleting(&[&parent.id]) };
    assert!(matches!(store.commit(orphaning).await.unwrap_err(), Error::HasChildren { .. }));
    assert_eq!(store.counts("").await.unwrap(), counts(&[(HERE, 1)]));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_stop_at_the_limit(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let shared = store.share();
            let change = limited(vec![counting(&format!("g{number}"), &[HERE])], 10);
            tokio::spawn(async move { shared.commit(change).await })
        })
        .collect();
    let (mut made, mut refused) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => made += 1,
            Err(Error::OverLimit { current: 10, most: 10, .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((made, refused), (10, 90));
    assert_eq!(store.counts("").await.unwrap(), counts(&[(HERE, 10)]));
}
