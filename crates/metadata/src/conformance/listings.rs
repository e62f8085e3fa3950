//! What listings promise: order, pages, and nobody else's rows.

use rstest::rstest;

use super::{
    Backend, DEFINITIONS, GALLERIES, VERSIONS, cursor_at, definition, gallery, group, names, putting, row,
    subscription, version,
};
use crate::{Change, Cursor, Listing, Row, Store};

fn children_of(parent: &arm::ResourceId, type_name: &str) -> Listing {
    Listing::Children { parent: parent.clone(), type_name: type_name.to_owned() }
}

/// Walks a listing page by page, forth and back, and answers the names in order.
async fn walk(store: &dyn Store, listing: &Listing, limit: u32) -> Vec<String> {
    let (mut forth, mut cursor): (Vec<Row>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = store.list(listing, cursor.as_ref(), limit).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= usize::try_from(limit).unwrap());
        cursor = Some(cursor_of(listing, last));
        forth.extend(page);
    }
    let (mut back, mut cursor): (Vec<Row>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = store.list_back(listing, cursor.as_ref(), limit).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = Some(cursor_of(listing, last));
        back.extend(page);
    }
    back.reverse();
    assert_eq!(back, forth);
    names(&forth)
}

fn cursor_of(listing: &Listing, row: &Row) -> Cursor {
    match listing {
        Listing::Within { .. } => Cursor { sort_key: row.id.key(), id_key: row.id.key() },
        Listing::Children { .. } | Listing::OfType { .. } => cursor_at(row),
    }
}

#[rstest]
#[tokio::test]
async fn pages_join_without_gap_or_repeat(
    #[values(Backend::Sqlite, Backend::Memory)] backend: Backend,
    #[values(1, 2, 3, 7, 100)] limit: u32,
) {
    let store = backend.open().await;
    let parent = definition(&gallery("g1", "g"), "d");
    // Sort keys repeat, so that the id has to break the tie, and one is empty.
    let sort_keys = ["", "b", "b", "b", "a", "\u{10FFFF}", "é"];
    let put = sort_keys.iter().zip(0..).map(|(sort_key, number)| Row {
        sort_key: (*sort_key).to_owned(),
        ..row(&version(&parent, &format!("1.0.{number}")), "e1")
    });
    store.commit(Change { put: put.collect(), ..Change::default() }).await.unwrap();
    let wanted = ["1.0.0", "1.0.4", "1.0.1", "1.0.2", "1.0.3", "1.0.6", "1.0.5"];
    assert_eq!(walk(&*store, &children_of(&parent, VERSIONS), limit).await, wanted);
    let of_type = Listing::OfType { scope: subscription(), type_name: VERSIONS.to_owned() };
    assert_eq!(walk(&*store, &of_type, limit).await, wanted);
    let of_type = Listing::OfType { scope: parent.clone(), type_name: VERSIONS.to_owned() };
    assert_eq!(walk(&*store, &of_type, limit).await, wanted);
    let by_id = ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5", "1.0.6"];
    assert_eq!(walk(&*store, &Listing::Within { scope: group("G1") }, limit).await, by_id);
}

#[rstest]
#[tokio::test]
async fn each_listing_answers_its_own_rows(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let (one, ten) = (gallery("g1", "one"), gallery("g10", "ten"));
    let (percent, under) = (gallery("g_", "a"), gallery("g.", "b"));
    let (image, other) = (definition(&one, "image"), definition(&one, "image2"));
    let ids = [
        &subscription(),
        &group("g1"),
        &group("g10"),
        &one,
        &ten,
        &percent,
        &under,
        &image,
        &other,
        &version(&image, "1.0.0"),
        &version(&other, "2.0.0"),
        &one.provider("Microsoft.Authorization", "locks", "keep").unwrap(),
        &"/subscriptions/s10/resourceGroups/g1".parse().unwrap(),
        &"/providers/Microsoft.Authorization/roleDefinitions/r".parse().unwrap(),
    ];
    store.commit(putting(ids)).await.unwrap();
    let of_type = |scope: &arm::ResourceId, type_name: &str| Listing::OfType {
        scope: scope.clone(),
        type_name: type_name.to_owned(),
    };
    let groups = "Microsoft.Resources/resourceGroups";
    let roles = "Microsoft.Authorization/roleDefinitions";
    let cases: [(Listing, &[&str]); 16] = [
        (children_of(&group("G1"), GALLERIES), &["one"]),
        (children_of(&group("g1"), "microsoft.COMPUTE/Galleries"), &["one"]),
        (children_of(&group("g1"), DEFINITIONS), &[]),
        (children_of(&one, DEFINITIONS), &["image", "image2"]),
        (children_of(&image, VERSIONS), &["1.0.0"]),
        (children_of(&one, "Microsoft.Authorization/locks"), &["keep"]),
        (children_of(&subscription(), groups), &["g1", "g10"]),
        (of_type(&subscription(), GALLERIES), &["a", "b", "one", "ten"]),
        (of_type(&subscription(), VERSIONS), &["1.0.0", "2.0.0"]),
        (of_type(&subscription(), groups), &["g1", "g10"]),
        (of_type(&group("g1"), GALLERIES), &["one"]),
        (of_type(&group("g_"), GALLERIES), &["a"]),
        (of_type(&image, VERSIONS), &["1.0.0"]),
        (of_type(&"/providers/Microsoft.Authorization/roleDefinitions/r".parse().unwrap(), roles), &["r"]),
        (Listing::Within { scope: group("g1") }, &["one", "image", "1.0.0", "image2", "2.0.0", "keep"]),
        (Listing::Within { scope: image.clone() }, &["1.0.0"]),
    ];
    for (listing, wanted) in cases {
        assert_eq!(walk(&*store, &listing, 2).await, wanted, "{listing:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_limit_of_nothing_answers_nothing(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    store.commit(putting([&gallery("g1", "g")])).await.unwrap();
    let within = Listing::Within { scope: group("g1") };
    assert!(store.list(&within, None, 0).await.unwrap().is_empty());
    assert_eq!(store.list(&within, None, u32::MAX).await.unwrap().len(), 1);
}

#[rstest]
#[tokio::test]
async fn a_cursor_outlives_its_row(#[values(Backend::Sqlite, Backend::Memory)] backend: Backend) {
    let store = backend.open().await;
    let ids: Vec<_> = ["a", "b", "c"].iter().map(|name| gallery("g1", name)).collect();
    store.commit(putting(&ids)).await.unwrap();
    let listing = children_of(&group("g1"), GALLERIES);
    let page = store.list(&listing, None, 2).await.unwrap();
    store.commit(super::deleting(&[&ids[1]])).await.unwrap();
    let rest = store.list(&listing, Some(&cursor_at(&page[1])), 2).await.unwrap();
    assert_eq!(names(&rest), ["c"]);
}
