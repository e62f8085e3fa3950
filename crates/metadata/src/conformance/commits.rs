//! What one commit promises: conditions, rows, claims, removals, all or nothing.

use rstest::rstest;
use serde_json::json;

use super::{
    Backend, at, claims, definition, deleting, enqueueing, entry, gallery, group, job, job_id, putting, row,
    subscription, version,
};
use crate::{Change, Claim, Error, Expect, JobState, Listing, Row};

#[rstest]
#[tokio::test]
async fn a_row_reads_back_as_it_was_written(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let written = Row {
        sort_key: "Zoë \u{1F600} 'quoted' %_".to_owned(),
        document: json!({"nested": {"deep": [1, 2.5, null, "\u{0}"]}, "name": "Zoë"}),
        operation: Some(job_id(7)),
        claims: claims(&["name:s1/g", "dns:g"]),
        holds: vec!["westeurope/abc".to_owned(), "northeurope/abc".to_owned()],
        counted: vec!["s1/westeurope/galleries".to_owned()],
        created_at: jiff::Timestamp::from_microsecond(1_700_000_000_123_456).unwrap(),
        changed_at: jiff::Timestamp::from_microsecond(1_700_000_000_654_321).unwrap(),
        ..row(&gallery("G1", "Mine"), "e1")
    };
    store.commit(Change { put: vec![written.clone()], ..Change::default() }).await.unwrap();
    assert_eq!(store.row(&gallery("g1", "mine")).await.unwrap(), Some(written));
    assert_eq!(store.row(&gallery("g1", "other")).await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn a_second_put_keeps_the_birth_and_the_spelling(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    store.commit(putting([&gallery("G1", "Mine")])).await.unwrap();
    let again = Row {
        created_at: at(9),
        changed_at: at(9),
        holds: vec!["new".to_owned()],
        operation: Some(job_id(1)),
        ..row(&gallery("g1", "MINE"), "e2")
    };
    store.commit(Change { put: vec![again], ..Change::default() }).await.unwrap();
    let found = store.row(&gallery("g1", "mine")).await.unwrap().unwrap();
    assert_eq!(found.id.to_string(), gallery("G1", "Mine").to_string());
    assert_eq!((found.created_at, found.changed_at), (at(1), at(9)));
    assert_eq!((found.etag.as_str(), found.holds), ("e2", vec!["new".to_owned()]));
    assert_eq!(found.operation, Some(job_id(1)));
}

#[derive(Debug, PartialEq)]
enum Answer {
    Done,
    Stale,
    Absent,
}

#[rstest]
#[tokio::test]
async fn conditions_are_checked(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
    #[values(
        (Expect::NoRow(gallery("g1", "there")), Answer::Stale),
        (Expect::NoRow(gallery("G1", "THERE")), Answer::Stale),
        (Expect::NoRow(gallery("g1", "not")), Answer::Done),
        (Expect::Exists(gallery("G1", "There")), Answer::Done),
        (Expect::Exists(gallery("g1", "not")), Answer::Absent),
        (Expect::Unchanged(gallery("g1", "there"), "e1".to_owned()), Answer::Done),
        (Expect::Unchanged(gallery("g1", "there"), "E1".to_owned()), Answer::Stale),
        (Expect::Unchanged(gallery("g1", "not"), "e1".to_owned()), Answer::Absent)
    )]
    case: (Expect, Answer),
) {
    let store = backend.open().await;
    store.commit(putting([&gallery("g1", "there")])).await.unwrap();
    let (condition, wanted) = case;
    let change = Change { expect: vec![condition], ..putting([&gallery("g1", "new")]) };
    let answer = match store.commit(change).await {
        Ok(()) => Answer::Done,
        Err(Error::Stale(_)) => Answer::Stale,
        Err(Error::Absent(_)) => Answer::Absent,
        Err(other) => panic!("{other}"),
    };
    let written = store.row(&gallery("g1", "new")).await.unwrap().is_some();
    assert_eq!(written, answer == Answer::Done);
    assert_eq!(answer, wanted);
}

#[rstest]
#[tokio::test]
async fn a_refused_change_leaves_nothing(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let (keep, parent) = (gallery("g1", "keep"), gallery("g1", "parent"));
    let child = definition(&parent, "d");
    store.commit(putting([&keep, &parent, &child])).await.unwrap();
    store.commit(enqueueing(vec![job(1, &keep, 1)])).await.unwrap();
    let new = gallery("g1", "new");
    let change = Change {
        delete: vec![keep.clone(), parent.clone()],
        jobs: vec![job(2, &new, 1)],
        activity: vec![entry(&new, 1, "write")],
        ..putting([&new])
    };
    let error = store.commit(change).await.unwrap_err();
    assert!(matches!(error, Error::HasChildren { .. }), "{error}");
    assert!(store.row(&keep).await.unwrap().is_some());
    assert!(store.row(&new).await.unwrap().is_none());
    assert_eq!(store.open_jobs().await.unwrap(), [job_id(1)]);
    assert!(store.activity(&subscription(), at(0), 10).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn a_claim_is_held_by_one_row(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let (first, second) = (gallery("G1", "First"), gallery("g2", "second"));
    let claiming = |id: &_, words: &[&str]| Row { claims: claims(words), ..row(id, "e") };
    let put = |rows| Change { put: rows, ..Change::default() };
    store.commit(put(vec![claiming(&first, &["a", "b", "a"])])).await.unwrap();
    let error = store.commit(put(vec![claiming(&second, &["c", "b"])])).await.unwrap_err();
    let Error::Taken { claim, holder } = error else { panic!("{error}") };
    assert_eq!((claim, holder.to_string()), (Claim("b".to_owned()), first.to_string()));
    // Its own claims are no hindrance, and a put lets go of those it does not name.
    store.commit(put(vec![claiming(&first, &["a"])])).await.unwrap();
    store.commit(put(vec![claiming(&second, &["c", "b"])])).await.unwrap();
    // Claims move within one change, in either order.
    store.commit(put(vec![claiming(&first, &["b", "c"]), claiming(&second, &["a"])])).await.unwrap();
    // A row that goes gives up its claims, to one that comes with the same change too.
    let third = gallery("g3", "third");
    let change = Change { delete: vec![first], ..put(vec![claiming(&third, &["b"])]) };
    store.commit(change).await.unwrap();
    let error = store.commit(put(vec![claiming(&second, &["b"])])).await.unwrap_err();
    assert!(matches!(error, Error::Taken { holder, .. } if holder == third));
    for (word, holder) in [("a", Some(second)), ("b", Some(third)), ("c", None)] {
        assert_eq!(store.holder(&Claim(word.to_owned())).await.unwrap(), holder, "{word}");
    }
}

#[rstest]
#[tokio::test]
async fn a_row_with_children_stays(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let parent = gallery("g1", "parent");
    let children: Vec<_> = ["a", "b", "c", "d"].iter().map(|name| definition(&parent, name)).collect();
    let grandchild = version(&children[0], "1.0.0");
    let lock = children[3].provider("Microsoft.Authorization", "locks", "keep").unwrap();
    store.commit(putting(children.iter().chain([&parent, &grandchild, &lock]))).await.unwrap();

    let error = store.commit(deleting(&[&parent])).await.unwrap_err();
    let Error::HasChildren { id, children: some } = error else { panic!("{error}") };
    assert_eq!((id, some), (parent.clone(), children[..3].to_vec()));

    let error = store.commit(deleting(&[&children[3]])).await.unwrap_err();
    assert!(matches!(error, Error::HasChildren { children, .. } if children == vec![lock.clone()]));

    let all: Vec<_> = [&parent, &lock, &grandchild].into_iter().chain(&children).collect();
    store.commit(deleting(&all)).await.unwrap();
    let within = Listing::Within { scope: subscription() };
    assert!(store.list(&within, None, 10).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn a_child_cannot_come_while_its_parent_goes(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let parent = gallery("g1", "parent");
    store.commit(putting([&parent])).await.unwrap();
    let change = Change { delete: vec![parent.clone()], ..putting([&definition(&parent, "d")]) };
    let error = store.commit(change).await.unwrap_err();
    assert!(matches!(error, Error::HasChildren { .. }), "{error}");
    assert!(store.row(&parent).await.unwrap().is_some());
}

#[rstest]
#[tokio::test]
async fn deleting_what_is_not_there_is_no_error(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let change = Change { delete_within: vec![group("g1")], ..deleting(&[&gallery("g1", "never")]) };
    store.commit(change).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_group_goes_with_all_it_holds_and_nothing_else(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
) {
    let store = backend.open().await;
    let inside = gallery("g1", "x");
    let wildcard = gallery("g_", "x");
    let ids = [group("g1"), group("g10"), group("g1-a"), group("g_"), inside.clone(), gallery("g10", "x")];
    store.commit(putting(ids.iter().chain([&wildcard, &definition(&inside, "d")]))).await.unwrap();
    let held = Row { holds: vec!["r/1".to_owned()], claims: claims(&["c"]), ..row(&inside, "e2") };
    store
        .commit(Change { put: vec![held], jobs: vec![job(1, &inside, 5)], ..Change::default() })
        .await
        .unwrap();
    store.put_facet(&inside, "f", &json!(1)).await.unwrap();

    store.commit(Change { delete_within: vec![group("G_")], ..Change::default() }).await.unwrap();
    assert!(store.row(&wildcard).await.unwrap().is_none());
    assert!(store.row(&inside).await.unwrap().is_some());

    let change = Change {
        delete_within: vec![group("G1")],
        activity: vec![entry(&group("g1"), 60, "delete")],
        ..Change::default()
    };
    store.commit(change).await.unwrap();
    let left = store.list(&Listing::Within { scope: subscription() }, None, 10).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|row| row.id).collect();
    assert_eq!(left, [group("g1-a"), group("g10"), gallery("g10", "x")]);
    assert!(store.holds("").await.unwrap().is_empty());
    let canceled = store.job(job_id(1)).await.unwrap().unwrap();
    assert_eq!((canceled.state, canceled.ended_at), (JobState::Canceled, Some(at(60))));
    // Nothing of the old row comes back with a new one.
    store
        .commit(Change {
            put: vec![Row { claims: claims(&["c"]), ..row(&inside, "e3") }],
            ..Change::default()
        })
        .await
        .unwrap();
    assert!(store.facets(&inside, "").await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn ten_thousand_rows_go_in_one_change(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let parent = definition(&gallery("g1", "g"), "d");
    let rows = (0..10_000_u32).map(|number| Row {
        holds: vec![format!("westeurope/{number}")],
        claims: claims(&[&number.to_string()]),
        ..row(&version(&parent, &format!("1.0.{number}")), "e1")
    });
    store.commit(Change { put: rows.collect(), ..putting([]) }).await.unwrap();
    store.commit(putting([&group("g1"), &group("g2")])).await.unwrap();
    assert_eq!(store.holds("westeurope/").await.unwrap().len(), 10_000);
    store.commit(Change { delete_within: vec![group("g1")], ..Change::default() }).await.unwrap();
    let left = store.list(&Listing::Within { scope: subscription() }, None, 10).await.unwrap();
    assert_eq!(super::names(&left), ["g2"]);
    assert!(store.holds("").await.unwrap().is_empty());
}
