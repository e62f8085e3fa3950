//! What hangs on rows: facets, holds, and the activity that outlives them.

use rstest::rstest;
use serde_json::json;

use super::{
    Backend, at, claims, definition, deleting, entry, gallery, group, job, job_id, putting, row, subscription,
};
use crate::{Change, Claim, Error, Row};

#[rstest]
#[tokio::test]
async fn facets_are_found_by_prefix_in_order(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let (id, other) = (gallery("g1", "g"), gallery("g1", "other"));
    store.commit(putting([&id, &other])).await.unwrap();
    for name in ["replica/west", "replica/east", "replicas", "Replica/x", "re%", "report", "\u{10FFFF}z"] {
        store.put_facet(&id, name, &json!({"name": name})).await.unwrap();
    }
    store.put_facet(&other, "replica/other", &json!(0)).await.unwrap();
    for (prefix, wanted) in [
        ("replica/", vec!["replica/east", "replica/west"]),
        ("replica", vec!["replica/east", "replica/west", "replicas"]),
        ("re%", vec!["re%"]),
        ("re_", vec![]),
        ("\u{10FFFF}", vec!["\u{10FFFF}z"]),
        ("", vec!["Replica/x", "re%", "replica/east", "replica/west", "replicas", "report", "\u{10FFFF}z"]),
    ] {
        let found = store.facets(&id, prefix).await.unwrap();
        assert!(found.iter().all(|(name, document)| document["name"] == json!(name)));
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, wanted, "{prefix:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_facet_lives_as_long_as_its_row(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let id = gallery("g1", "g");
    let error = store.put_facet(&id, "f", &json!(1)).await.unwrap_err();
    assert!(matches!(&error, Error::Absent(absent) if *absent == id), "{error}");
    store.commit(putting([&id])).await.unwrap();
    store.put_facet(&id, "f", &json!(1)).await.unwrap();
    store.put_facet(&gallery("G1", "G"), "f", &json!(2)).await.unwrap();
    // Writing the row again does not touch its facets.
    store.commit(Change { put: vec![row(&id, "e2")], ..Change::default() }).await.unwrap();
    assert_eq!(store.facets(&id, "").await.unwrap(), [("f".to_owned(), json!(2))]);
    store.delete_facet(&id, "f").await.unwrap();
    store.delete_facet(&id, "f").await.unwrap();
    assert!(store.facets(&id, "").await.unwrap().is_empty());
    store.put_facet(&id, "f", &json!(3)).await.unwrap();
    store.commit(deleting(&[&id])).await.unwrap();
    store.commit(putting([&id])).await.unwrap();
    assert!(store.facets(&id, "").await.unwrap().is_empty());
    assert_eq!(store.row(&id).await.unwrap().unwrap().etag, "e1");
}

#[rstest]
#[tokio::test]
async fn only_the_worker_that_has_the_lease_reports(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let id = gallery("g1", "g");
    let lost = |written: Result<(), Error>| assert!(matches!(written, Err(Error::LeaseLost)), "{written:?}");
    store.commit(Change { jobs: vec![job(1, &id, 1)], ..putting([&id]) }).await.unwrap();
    lost(store.report(job_id(1), "a", "f", Some(&json!(0))).await);
    store.lease("a", at(1), at(5)).await.unwrap().unwrap();
    store.report(job_id(1), "a", "f", Some(&json!(1))).await.unwrap();
    lost(store.report(job_id(1), "b", "f", Some(&json!(2))).await);
    lost(store.report(job_id(2), "a", "f", Some(&json!(2))).await);
    // The lease runs out and another worker goes on.
    store.lease("b", at(6), at(9)).await.unwrap().unwrap();
    lost(store.report(job_id(1), "a", "f", Some(&json!(3))).await);
    lost(store.report(job_id(1), "a", "f", None).await);
    assert_eq!(store.facets(&id, "").await.unwrap(), [("f".to_owned(), json!(1))]);
    store.report(job_id(1), "b", "f", Some(&json!(4))).await.unwrap();
    assert_eq!(store.facets(&id, "").await.unwrap(), [("f".to_owned(), json!(4))]);
    store.report(job_id(1), "b", "f", None).await.unwrap();
    store.report(job_id(1), "b", "f", None).await.unwrap();
    assert!(store.facets(&id, "").await.unwrap().is_empty());
    // A row of the same id that is made later belongs to other jobs.
    store.commit(deleting(&[&id])).await.unwrap();
    store.commit(putting([&id])).await.unwrap();
    lost(store.report(job_id(1), "b", "f", Some(&json!(5))).await);
    assert!(store.facets(&id, "").await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn holds_are_answered_once_and_go_with_the_last_holder(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let (one, two) = (gallery("g1", "one"), gallery("g1", "two"));
    let holding = |id: &_, holds: &[&str]| Row {
        holds: holds.iter().map(|hold| (*hold).to_owned()).collect(),
        ..row(id, "e")
    };
    let put = |rows| Change { put: rows, ..Change::default() };
    store
        .commit(put(vec![holding(&one, &["we/a", "we/b", "we/a", "w_/x"]), holding(&two, &["we/a", "wf/a"])]))
        .await
        .unwrap();
    assert_eq!(store.holds("we/").await.unwrap(), ["we/a", "we/b"]);
    assert_eq!(store.holds("w_").await.unwrap(), ["w_/x"]);
    assert_eq!(store.holds("").await.unwrap(), ["w_/x", "we/a", "we/b", "wf/a"]);
    store.commit(put(vec![holding(&one, &["we/b"])])).await.unwrap();
    assert_eq!(store.holds("we/").await.unwrap(), ["we/a", "we/b"]);
    store.commit(deleting(&[&two])).await.unwrap();
    assert_eq!(store.holds("").await.unwrap(), ["we/b"]);
}

#[rstest]
#[tokio::test]
async fn activity_is_read_by_scope_newest_first(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let mine = gallery("g1", "g");
    let entries = vec![
        entry(&mine, 10, "first"),
        entry(&definition(&gallery("G1", "G"), "d"), 30, "third"),
        entry(&gallery("g10", "g"), 20, "second"),
        entry(&gallery("g1", "g2"), 30, "fourth"),
        entry(&subscription(), 5, "zeroth"),
    ];
    store.commit(Change { activity: entries.clone(), ..putting([&mine]) }).await.unwrap();
    // The log stays when its resource goes.
    store.commit(deleting(&[&mine])).await.unwrap();
    for (scope, since, limit, wanted) in [
        (subscription(), 0, 10, vec!["fourth", "third", "second", "first", "zeroth"]),
        (subscription(), 10, 10, vec!["fourth", "third", "second", "first"]),
        (subscription(), 0, 2, vec!["fourth", "third"]),
        (group("G1"), 0, 10, vec!["fourth", "third", "first"]),
        (mine.clone(), 0, 10, vec!["third", "first"]),
        (mine.clone(), 31, 10, vec![]),
    ] {
        let found = store.activity(&scope, at(since), limit).await.unwrap();
        let actions: Vec<_> = found.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, wanted, "{scope}");
    }
    let oldest = store.activity(&mine, at(0), 10).await.unwrap().pop();
    assert_eq!(oldest.as_ref(), Some(&entries[0]));
}

#[rstest]
#[tokio::test]
async fn a_claim_is_found_by_its_words_and_goes_with_its_row(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let (one, two) = (gallery("g1", "One"), gallery("g1", "two"));
    let put = vec![
        Row { claims: claims(&["with/a/1", "with/a/3", "name/1"]), ..row(&one, "e1") },
        Row { claims: claims(&["with/a/2", "with/a%", "with/a", "with/b/1"]), ..row(&two, "e1") },
    ];
    store.commit(Change { put, ..Change::default() }).await.unwrap();
    let claim = |text: &str| Claim(text.to_owned());
    assert_eq!(store.holder(&claim("name/1")).await.unwrap(), Some(one.clone()));
    assert_eq!(store.holder(&claim("name/1")).await.unwrap().unwrap().to_string(), one.to_string());
    assert_eq!(store.holder(&claim("name/")).await.unwrap(), None);
    for (prefix, after, limit, wanted) in [
        ("with/a/", None, 10, vec!["with/a/1", "with/a/2", "with/a/3"]),
        ("with/a/", None, 2, vec!["with/a/1", "with/a/2"]),
        ("with/a/", Some("with/a/2"), 10, vec!["with/a/3"]),
        ("with/a/", Some("with/a/3"), 10, vec![]),
        ("with/a/", Some("name/1"), 10, vec!["with/a/1", "with/a/2", "with/a/3"]),
        ("with/a", None, 1, vec!["with/a"]),
        ("with/a", None, 9, vec!["with/a", "with/a%", "with/a/1", "with/a/2", "with/a/3"]),
        ("with/c", None, 10, vec![]),
        ("with/a/", None, 0, vec![]),
    ] {
        let after = after.map(claim);
        let found = store.claimed(prefix, after.as_ref(), limit).await.unwrap();
        let words: Vec<&str> = found.iter().map(|(claim, _)| claim.0.as_str()).collect();
        assert_eq!(words, wanted, "{prefix} {after:?} {limit}");
        assert!(found.iter().all(|(claim, holder)| {
            *holder
                == if claim.0.ends_with(['1', '3']) && claim.0 != "with/b/1" {
                    one.clone()
                } else {
                    two.clone()
                }
        }));
    }
    store.commit(deleting(&[&one])).await.unwrap();
    assert_eq!(store.holder(&claim("name/1")).await.unwrap(), None);
    let left = store.claimed("with/a/", None, 10).await.unwrap();
    assert_eq!(left, [(claim("with/a/2"), two)]);
}
