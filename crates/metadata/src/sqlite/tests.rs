//! What only SQLite has: plans, files, and what a crash leaves of them.

use std::fs;
use std::path::Path;

use sqlx::{AssertSqlSafe, Row as _};

use super::listing::{Direction, Page};
use super::{Sqlite, activity, counters, facets, jobs, rows, schema};
use crate::conformance::{
    VERSIONS, at, cursor_at, definition, deleting, enqueueing, entry, gallery, group, job, job_id, names,
    putting, row, subscription, version,
};
use crate::{Change, Cursor, Error, Listing, Row, Store};

async fn plan(store: &Sqlite, sql: &str) -> Vec<String> {
    let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let steps = sqlx::query(sql).fetch_all(&store.readers).await.unwrap();
    steps.iter().map(|step| step.get("detail")).collect()
}

/// Every step searches an index and none sorts.
async fn is_a_search(store: &Sqlite, sql: &str) -> Vec<String> {
    let steps = plan(store, sql).await;
    assert!(!steps.is_empty());
    for step in &steps {
        assert!(!step.contains("TEMP B-TREE"), "{sql}\n{steps:#?}");
        // Reading an index from one end needs no condition: the open jobs are a whole (partial) index.
        let scans_rows = step.starts_with("SCAN") && !step.contains("USING INDEX jobs_open");
        let scans_rows = scans_rows && !step.contains("USING COVERING INDEX jobs_open");
        assert!(!scans_rows, "{sql}\n{steps:#?}");
    }
    steps
}

#[tokio::test]
async fn every_statement_searches_an_index() {
    let store = Sqlite::in_memory().await.unwrap();
    for sql in [
        rows::READ,
        rows::ETAG,
        rows::CHILDREN,
        rows::DESCENDANTS,
        rows::HOLDS,
        rows::HOLDER,
        rows::CLAIMED,
        rows::DELETE,
        rows::DELETE_BELOW,
        facets::READ,
        facets::PUT,
        jobs::READ,
        jobs::LEASE,
        jobs::OPEN,
        jobs::FORGET,
        jobs::TAKE_OVER,
        jobs::FREE,
        jobs::ON_ROW,
        jobs::BELOW_ROW,
        activity::READ,
        counters::READ,
        counters::OF_ROW,
        counters::BELOW_ROW,
    ] {
        is_a_search(&store, sql).await;
    }
}

#[tokio::test]
async fn every_page_walks_an_index_from_its_cursor() {
    let store = Sqlite::in_memory().await.unwrap();
    let type_name = VERSIONS.to_owned();
    let parent = gallery("g1", "g");
    let cursor = Cursor { sort_key: "s".to_owned(), id_key: "k".to_owned() };
    let typed = |column: &str| format!("{column}=? AND type_key=? AND (sort_key,key)");
    for (listing, bound) in [
        (
            Listing::Children { parent: parent.clone(), type_name: type_name.clone() },
            typed("resources_by_parent (parent_key"),
        ),
        (
            Listing::OfType { scope: subscription(), type_name: type_name.clone() },
            typed("resources_by_subscription (subscription_key"),
        ),
        (
            Listing::OfType { scope: group("g1"), type_name: type_name.clone() },
            typed("resources_by_group (group_key"),
        ),
        (Listing::OfType { scope: parent, type_name }, typed("resources_by_subscription (subscription_key")),
        (Listing::Within { scope: subscription() }, "(key>? AND key<?)".to_owned()),
    ] {
        for direction in [Direction::Forward, Direction::Back] {
            is_a_search(&store, &Page::of(&listing, direction, None).sql).await;
            let steps = is_a_search(&store, &Page::of(&listing, direction, Some(&cursor)).sql).await;
            assert!(steps[0].contains(&bound), "{steps:#?}");
        }
    }
}

#[tokio::test]
async fn plans_stay_when_statistics_know_ten_thousand_versions() {
    let store = Sqlite::in_memory().await.unwrap();
    let parent = definition(&gallery("g1", "g"), "d");
    let numbered = |number: u32| Row {
        sort_key: format!("{number:010}"),
        ..row(&version(&parent, &format!("1.0.{number}")), "e1")
    };
    store.commit(Change { put: (0..10_000).map(numbered).collect(), ..Change::default() }).await.unwrap();
    store.commit(putting([&parent, &gallery("g1", "g"), &group("g1")])).await.unwrap();
    sqlx::raw_sql("ANALYZE").execute(&store.writer).await.unwrap();
    let listing = Listing::Children { parent: parent.clone(), type_name: VERSIONS.to_owned() };
    let last = numbered(9_990);
    let page = Page::of(&listing, Direction::Forward, Some(&cursor_at(&last)));
    let steps = is_a_search(&store, &page.sql).await;
    assert!(
        steps[0].contains("resources_by_parent (parent_key=? AND type_key=? AND (sort_key,key)>"),
        "{steps:?}"
    );
    for sql in [rows::READ, rows::CHILDREN, rows::DESCENDANTS, rows::DELETE_BELOW] {
        is_a_search(&store, sql).await;
    }
    let tail = store.list(&listing, Some(&cursor_at(&last)), 100).await.unwrap();
    assert_eq!(tail.len(), 9);
    let latest = store.list_back(&listing, None, 1).await.unwrap();
    assert_eq!(names(&latest), ["1.0.9999"]);
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.db");
    let store = Sqlite::open(&path).await.unwrap();
    store.commit(putting([&gallery("g1", "g")])).await.unwrap();
    sqlx::raw_sql("PRAGMA user_version = 999").execute(&store.writer).await.unwrap();
    // As a crash left it, the number still in the log, and closed in order.
    let crashed = tempfile::tempdir().unwrap();
    crash_image(folder.path(), crashed.path(), usize::MAX);
    let log = crashed.path().join("rows.db-wal");
    let before = (fs::read(crashed.path().join("rows.db")).unwrap(), fs::read(&log).unwrap());
    is_refused(&crashed.path().join("rows.db")).await;
    assert!((fs::read(crashed.path().join("rows.db")).unwrap(), fs::read(&log).unwrap()) == before);
    store.close().await;
    let before = fs::read(&path).unwrap();
    is_refused(&path).await;
    assert!(fs::read(&path).unwrap() == before);
}

async fn is_refused(path: &Path) {
    let error = Sqlite::open(path).await.unwrap_err();
    assert!(matches!(error, Error::TooNew { found: 999, known } if known == schema::known()), "{error}");
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.db");
    let text = "no database at all, but long enough to have a header of a hundred bytes. ".repeat(20);
    fs::write(&path, &text).unwrap();
    let error = Sqlite::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    assert!(!error.to_string().contains(&folder.path().display().to_string()));
}

#[tokio::test]
async fn a_file_is_synced_at_every_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("rows.db")).await.unwrap();
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.writer).await.unwrap();
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&store.writer).await.unwrap();
    let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&store.writer).await.unwrap();
    assert_eq!((mode.as_str(), synchronous, foreign_keys), ("wal", 2, 1));
    let refused = sqlx::query("DELETE FROM jobs").execute(&store.readers).await.unwrap_err();
    assert!(refused.to_string().contains("readonly"), "{refused}");
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.db");
    let id = gallery("g1", "g");
    let store = Sqlite::open(&path).await.unwrap();
    let change = Change { activity: vec![entry(&id, 1, "write")], ..enqueueing(vec![job(1, &id, 1)]) };
    store.commit(Change { put: vec![row(&id, "e1")], ..change }).await.unwrap();
    store.put_facet(&id, "f", &1.into()).await.unwrap();
    store.lease("old", at(1), at(100)).await.unwrap();
    store.record(job_id(1), "old", "one", &2.into(), Change::default()).await.unwrap();
    let job = store.job(job_id(1)).await.unwrap();
    store.close().await;

    let store = Sqlite::open(&path).await.unwrap();
    assert_eq!(store.row(&id).await.unwrap(), Some(row(&id, "e1")));
    assert_eq!(store.facets(&id, "").await.unwrap(), [("f".to_owned(), 1.into())]);
    assert_eq!(store.job(job_id(1)).await.unwrap(), job);
    assert_eq!(store.activity(&id, at(0), 9).await.unwrap(), [entry(&id, 1, "write")]);
    assert_eq!(store.take_over("new").await.unwrap(), 1);
}

/// What a power cut leaves: the file, and of the log what had been synced.
fn crash_image(from: &Path, to: &Path, log_bytes: usize) {
    fs::copy(from.join("rows.db"), to.join("rows.db")).unwrap();
    let log = fs::read(from.join("rows.db-wal")).unwrap();
    fs::write(to.join("rows.db-wal"), &log[..log_bytes.min(log.len())]).unwrap();
}

#[tokio::test]
async fn a_crash_loses_no_commit_and_halves_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("rows.db")).await.unwrap();
    let pair = |number: usize| [gallery("g1", &format!("a{number}")), gallery("g1", &format!("b{number}"))];
    let log_bytes = || fs::read(folder.path().join("rows.db-wal")).unwrap().len();
    let mut ends = Vec::new();
    for number in 0..5 {
        store.commit(putting(&pair(number))).await.unwrap();
        ends.push(log_bytes());
    }
    assert!(ends.is_sorted() && ends[0] < ends[4], "the log was folded in meanwhile: {ends:?}");
    for log in [ends[4], ends[4] - 1, ends[3], ends[2] + 100, ends[1] + 4096, ends[0], ends[0] - 1] {
        let after = tempfile::tempdir().unwrap();
        crash_image(folder.path(), after.path(), log);
        let recovered = Sqlite::open(&after.path().join("rows.db")).await.unwrap();
        for (number, end) in ends.iter().enumerate() {
            for id in pair(number) {
                let there = recovered.row(&id).await.unwrap().is_some();
                assert_eq!(there, *end <= log, "{id} with {log} bytes of log");
            }
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_a_commit_whole_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("rows.db")).await.unwrap();
    let (small, large) = (gallery("g1", "small"), gallery("g1", "large"));
    store.commit(putting([&small])).await.unwrap();
    sqlx::raw_sql("PRAGMA max_page_count = 60").execute(&store.writer).await.unwrap();
    let heavy = Row { document: "x".repeat(1 << 20).into(), ..row(&large, "e1") };
    let change = Change { put: vec![heavy], ..deleting(&[&small]) };
    let error = store.commit(change.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error}");
    assert!(store.row(&small).await.unwrap().is_some());
    assert!(store.row(&large).await.unwrap().is_none());
    // The limit was the connection's: with it goes what the failure left there.
    store.commit(change).await.unwrap();
    assert!(store.row(&large).await.unwrap().is_some());
}

#[tokio::test]
async fn two_handles_on_one_file_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.db");
    let (one, two) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
    for number in 0..20 {
        let (left, right) = (gallery("g1", &format!("l{number}")), gallery("g1", &format!("r{number}")));
        let (left, right) = (putting([&left]), putting([&right]));
        let (left, right) = tokio::join!(one.commit(left), two.commit(right));
        left.unwrap();
        right.unwrap();
    }
    let listing = Listing::Within { scope: group("g1") };
    assert_eq!(one.list(&listing, None, 100).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_row_that_does_not_read_is_an_error() {
    let store = Sqlite::in_memory().await.unwrap();
    let id = gallery("g1", "g");
    store.commit(putting([&id])).await.unwrap();
    for damage in [
        "UPDATE resources SET document = '{'",
        "UPDATE resources SET document = '{}', holds = '[1]'",
        "UPDATE resources SET holds = '[]', operation = 'x'",
        "UPDATE resources SET operation = NULL, id = 'x'",
    ] {
        sqlx::raw_sql(damage).execute(&store.writer).await.unwrap();
        let error = store.row(&id).await.unwrap_err();
        assert!(matches!(error, Error::Unreadable(_)), "{damage}: {error}");
        assert!(store.list(&Listing::Within { scope: group("g1") }, None, 1).await.is_err());
    }
}

#[tokio::test]
async fn what_stood_before_there_were_counters_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.db");
    let store = Sqlite::open(&path).await.unwrap();
    let placed = |id: &arm::ResourceId, location: &str| Row {
        document: serde_json::json!({ "location": location }),
        ..row(id, "e1")
    };
    let (first, second) = (gallery("g1", "a"), gallery("g2", "b"));
    let rows = vec![
        row(&group("g1"), "e1"),
        placed(&first, "West Europe"),
        placed(&second, "westeurope"),
        placed(&definition(&first, "d"), "eastus"),
        placed(&version(&definition(&first, "d"), "1.0.0"), "eastus"),
    ];
    store.commit(Change { put: rows, ..Change::default() }).await.unwrap();
    let before = "DROP TABLE counters; ALTER TABLE resources DROP COLUMN counted; PRAGMA user_version = 1";
    sqlx::raw_sql(before).execute(&store.writer).await.unwrap();
    store.close().await;

    let store = Sqlite::open(&path).await.unwrap();
    let counts = [
        ("s1/eastus/microsoft.compute/galleries/images".to_owned(), 1),
        ("s1/eastus/microsoft.compute/galleries/images/versions".to_owned(), 1),
        ("s1/westeurope/microsoft.compute/galleries".to_owned(), 2),
    ];
    assert_eq!(store.counts("s1/").await.unwrap(), counts);
    store.commit(deleting(&[&second])).await.unwrap();
    assert_eq!(store.counts("s1/w").await.unwrap(), [(counts[2].0.clone(), 1)]);
}
