//! Random changes against a small model of the store.

use std::collections::BTreeMap;

use arm::ResourceId;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{Backend, DEFINITIONS, GALLERIES, claims, definition, gallery, group, row, subscription};
use crate::{Change, Claim, Error, Expect, Limit, Listing, Row, Store};

/// In order, and each of another prefix than the next.
const COUNTERS: [&str; 3] = ["s1/a/x", "s1/a/y", "s1/ab/x"];

/// What the store should hold, by key.
#[derive(Clone, Debug, Default)]
struct Model {
    rows: BTreeMap<String, Row>,
}

/// Why a change is refused, without the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Stale,
    Absent,
    HasChildren,
    Taken,
    OverLimit,
}

impl Model {
    fn commit(&mut self, change: &Change) -> Result<(), Refusal> {
        let mut next = self.clone();
        for condition in &change.expect {
            next.check(condition)?;
        }
        next.rows.retain(|_, row| {
            let goes = change.delete.contains(&row.id);
            let within = change.delete_within.iter().any(|scope| row.id.is_within(scope));
            !(goes || within)
        });
        for row in &change.put {
            next.rows
                .entry(row.id.key())
                .and_modify(|old| {
                    let (id, created_at) = (old.id.clone(), old.created_at);
                    *old = Row { id, created_at, ..row.clone() };
                })
                .or_insert_with(|| row.clone());
        }
        next.check_claims()?;
        for limit in &change.limits {
            let (before, after) = (self.count(&limit.counter), next.count(&limit.counter));
            if after > before && after > limit.most {
                return Err(Refusal::OverLimit);
            }
        }
        for id in &change.delete {
            let orphans = next.rows.values().any(|row| row.id != *id && row.id.is_within(id));
            if orphans && !next.rows.contains_key(&id.key()) {
                return Err(Refusal::HasChildren);
            }
        }
        *self = next;
        Ok(())
    }

    fn check(&self, condition: &Expect) -> Result<(), Refusal> {
        let found = |id: &ResourceId| self.rows.get(&id.key());
        match condition {
            Expect::NoRow(id) => found(id).map_or(Ok(()), |_| Err(Refusal::Stale)),
            Expect::Exists(id) => found(id).map(|_| ()).ok_or(Refusal::Absent),
            Expect::Unchanged(id, etag) => match found(id) {
                None => Err(Refusal::Absent),
                Some(row) if row.etag == *etag => Ok(()),
                Some(_) => Err(Refusal::Stale),
            },
        }
    }

    fn check_claims(&self) -> Result<(), Refusal> {
        let mut holders: BTreeMap<&Claim, &ResourceId> = BTreeMap::new();
        for row in self.rows.values() {
            for claim in &row.claims {
                if holders.insert(claim, &row.id).is_some_and(|holder| *holder != row.id) {
                    return Err(Refusal::Taken);
                }
            }
        }
        Ok(())
    }

    fn count(&self, counter: &str) -> u64 {
        self.rows.values().map(|row| u64::from(row.counted.iter().any(|word| word == counter))).sum()
    }

    fn list(&self, belongs: impl Fn(&Row) -> bool) -> Vec<Row> {
        let mut rows: Vec<Row> = self.rows.values().filter(|row| belongs(row)).cloned().collect();
        rows.sort_by_key(|row| (row.sort_key.clone(), row.id.key()));
        rows
    }
}

fn ids() -> Vec<ResourceId> {
    let galleries = [gallery("g1", "a"), gallery("G1", "a2"), gallery("g10", "a")];
    let definitions = galleries.iter().flat_map(|gallery| ["d", "D1"].map(|name| definition(gallery, name)));
    [group("g1"), group("g10")].into_iter().chain(definitions).chain(galleries.clone()).collect()
}

fn some_ids(most: usize) -> impl Strategy<Value = Vec<ResourceId>> {
    let ids = ids();
    subsequence(ids, 0..=most)
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let etag = select(vec!["e1", "e2"]);
    let words = subsequence(vec!["a", "b", "c"], 0..=1);
    let sort_key = select(vec!["", "1", "2"]);
    let counted = subsequence(COUNTERS.to_vec(), 0..=COUNTERS.len());
    let row = (select(ids()), any::<bool>(), etag, words, sort_key, 0_i64..100, counted).prop_map(
        |(id, upper, etag, words, sort_key, second, counted)| {
            let id = if upper { id.to_string().to_ascii_uppercase().parse().unwrap() } else { id };
            Row {
                claims: claims(&words),
                holds: words.iter().map(|word| format!("r/{word}")).collect(),
                counted: counted.into_iter().map(str::to_owned).collect(),
                sort_key: sort_key.to_owned(),
                created_at: super::at(second),
                ..row(&id, etag)
            }
        },
    );
    prop::collection::vec(row, 0..4)
}

fn condition() -> impl Strategy<Value = Expect> {
    (select(ids()), 0..3, select(vec!["e1", "e2"])).prop_map(|(id, kind, etag)| match kind {
        0 => Expect::NoRow(id),
        1 => Expect::Exists(id),
        _ => Expect::Unchanged(id, etag.to_owned()),
    })
}

fn change() -> impl Strategy<Value = Change> {
    let expect = prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(condition(), 1..2)];
    let delete = prop_oneof![2 => Just(vec![]), 1 => some_ids(3)];
    let within = prop_oneof![6 => Just(vec![]), 1 => some_ids(1)];
    let limit = (select(COUNTERS.to_vec()), 0_u64..4);
    let limit = limit.prop_map(|(counter, most)| Limit { counter: counter.to_owned(), most });
    let limits = prop::collection::vec(limit, 0..2);
    (expect, rows(), delete, within, limits).prop_map(|(expect, put, delete, delete_within, limits)| Change {
        expect,
        put,
        delete,
        delete_within,
        limits,
        ..Change::default()
    })
}

async fn rows_agree(store: &dyn Store, model: &Model) -> Result<(), TestCaseError> {
    let everything = store.list(&Listing::Within { scope: subscription() }, None, 100).await.unwrap();
    let wanted: Vec<Row> = model.rows.values().cloned().collect();
    prop_assert_eq!(spelled(&everything), spelled(&wanted));
    prop_assert_eq!(everything, wanted);
    let mut holds: Vec<String> = model.rows.values().flat_map(|row| row.holds.clone()).collect();
    holds.sort();
    holds.dedup();
    prop_assert_eq!(store.holds("r/").await.unwrap(), holds);
    let counts = COUNTERS.iter().map(|counter| ((*counter).to_owned(), model.count(counter)));
    let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    prop_assert_eq!(store.counts("").await.unwrap(), counts);
    Ok(())
}

async fn listings_agree(store: &dyn Store, model: &Model) -> Result<(), TestCaseError> {
    for id in ids() {
        for type_name in [GALLERIES, DEFINITIONS] {
            let listing = Listing::Children { parent: id.clone(), type_name: type_name.to_owned() };
            let wanted =
                model.list(|row| row.id.parent().as_ref() == Some(&id) && row.id.type_name().is(type_name));
            prop_assert_eq!(store.list(&listing, None, 100).await.unwrap(), wanted);
            let listing = Listing::OfType { scope: id.clone(), type_name: type_name.to_owned() };
            let mut wanted = model.list(|row| row.id.is_within(&id) && row.id.type_name().is(type_name));
            wanted.reverse();
            prop_assert_eq!(store.list_back(&listing, None, 100).await.unwrap(), wanted);
        }
    }
    Ok(())
}

/// Ids compare without case; their spelling is a promise too.
fn spelled(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.id.to_string()).collect()
}

fn refusal(error: &Error) -> Option<Refusal> {
    match error {
        Error::Stale(_) => Some(Refusal::Stale),
        Error::Absent(_) => Some(Refusal::Absent),
        Error::HasChildren { .. } => Some(Refusal::HasChildren),
        Error::Taken { .. } => Some(Refusal::Taken),
        Error::OverLimit { .. } => Some(Refusal::OverLimit),
        Error::LeaseLost | Error::TooNew { .. } | Error::Database(_) | Error::Unreadable(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_changes_leave_what_the_model_says(
        changes in prop::collection::vec(change(), 1..25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Backend::Memory.open().await;
            let mut model = Model::default();
            for change in changes {
                let wanted = model.commit(&change);
                let answer = store.commit(change.clone()).await;
                let refused = answer.as_ref().err().map(|error| refusal(error).ok_or(error.to_string()));
                prop_assert_eq!(refused, wanted.err().map(Ok), "{:?}", change);
                rows_agree(&*store, &model).await?;
            }
            listings_agree(&*store, &model).await
        })?;
    }
}
