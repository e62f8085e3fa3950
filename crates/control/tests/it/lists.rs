//! Lists page after page: everything once, in order, and only with links of ours.

use arm::ResourceId;
use control::Method;
use metadata::{Change, Store};
use rstest::rstest;
use serde_json::json;

use crate::world::{
    Ask, SUBSCRIPTION, World, body, code, compute, gallery, group, located, names_in, next_path, version,
    version_body,
};

/// Puts galleries beside the one that stands, as rows: `g0000`, `g0001`, …
async fn fill(world: &World, count: usize) {
    let id: ResourceId = gallery().parse().unwrap();
    let row = world.rows.row(&id).await.unwrap().unwrap();
    let rows = (0..count).map(|number| {
        let name = format!("g{number:04}");
        let id = compute(&format!("galleries/{name}")).parse().unwrap();
        metadata::Row { id, sort_key: name, claims: Vec::new(), ..row.clone() }
    });
    world.rows.commit(Change { put: rows.collect(), ..Change::default() }).await.unwrap();
}

#[rstest]
#[case::less_than_a_page(150, "", 1)]
#[case::exactly_a_page(199, "", 1)]
#[case::one_more(200, "", 2)]
#[case::several(700, "", 4)]
#[case::small_pages(25, "?$top=10", 3)]
#[case::one_each(3, "?%24top=1", 4)]
#[case::huge_pages(250, "?$top=1000000000", 2)]
#[tokio::test]
async fn a_list_shows_everything_once(#[case] count: usize, #[case] query: &str, #[case] pages: usize) {
    let world = World::furnished().await;
    fill(&world, count).await;
    let mut wanted: Vec<String> = (0..count).map(|number| format!("g{number:04}")).collect();
    wanted.insert(0, "g".to_owned());
    for scope in [group(), SUBSCRIPTION.to_owned()] {
        let list = format!("{scope}/providers/Microsoft.Compute/galleries{query}");
        assert_eq!(world.names(&list).await, (wanted.clone(), pages), "{list}");
    }
}

#[tokio::test]
async fn versions_are_listed_by_number() {
    let world = World::furnished().await;
    for name in ["1.0.10", "1.0.2", "0.9.9", "10.0.0", "2.0.0", "1.0.1"] {
        assert_eq!(world.put(&version(name), &version_body()).await.status, 201);
    }
    let (names, _) = world.names(&format!("{}?$top=2", compute("galleries/g/images/d/versions"))).await;
    assert_eq!(names, ["0.9.9", "1.0.1", "1.0.2", "1.0.10", "2.0.0", "10.0.0"]);
}

#[tokio::test]
async fn what_stands_throughout_is_listed_once_while_others_come_and_go() {
    let world = World::furnished().await;
    fill(&world, 60).await;
    let mut next = Some(format!("{}?$top=7", compute("galleries")));
    let (mut names, mut turn) = (Vec::new(), 0);
    while let Some(path) = next {
        let reply = world.get(&path).await;
        let page = names_in(body(&reply));
        // One comes before the cursor and one after it; the last one shown, where the cursor stands, goes.
        world.put(&compute(&format!("galleries/a{turn}")), &located()).await;
        world.put(&compute(&format!("galleries/z{turn}")), &located()).await;
        if page.last().is_some_and(|name| name.starts_with('g')) {
            world.delete(&compute(&format!("galleries/{}", page.last().unwrap()))).await;
        }
        names.extend(page);
        turn += 1;
        next = next_path(body(&reply)).filter(|_| turn < 40);
    }
    let mut stood: Vec<String> = (0..60).map(|number| format!("g{number:04}")).collect();
    stood.retain(|name| names.contains(name));
    let mut once = names.clone();
    once.dedup();
    assert_eq!((stood.len(), once.len()), (60, names.len()), "{names:?}");
    assert!(names.is_sorted());
}

#[tokio::test]
async fn a_token_fits_only_the_list_it_was_issued_for() {
    let world = World::furnished().await;
    fill(&world, 5).await;
    let reply = world.get(&format!("{}?$top=2", compute("galleries"))).await;
    let link = next_path(body(&reply)).unwrap();
    let token = link.split("skiptoken=").nth(1).unwrap().to_owned();
    let (shorter, longer) = (&token[1..], format!("{token}00"));
    let flipped = match token.strip_prefix('0') {
        Some(rest) => format!("1{rest}"),
        None => format!("0{}", &token[1..]),
    };
    for path in [
        format!("{SUBSCRIPTION}/providers/Microsoft.Compute/galleries?$skiptoken={token}"),
        format!("{}?$skiptoken={token}", compute("galleries/g/images")),
        format!("{}?$skiptoken={token}&$filter=name eq 'g'", compute("galleries")),
        format!("{}?$skiptoken={shorter}", compute("galleries")),
        format!("{}?$skiptoken={longer}", compute("galleries")),
        format!("{}?$skiptoken={flipped}", compute("galleries")),
        format!("{}?$skiptoken=", compute("galleries")),
        format!("{}?$skiptoken=%00", compute("galleries")),
        format!("{}?$skiptoken={}", compute("galleries"), "f".repeat(100_000)),
    ] {
        let reply = world.get(&path).await;
        assert_eq!((reply.status, code(&reply)), (400, "InvalidParameter"), "{path}");
    }
    let odd_case = link.replace("galleries", "GALLERIES").replace("$skiptoken", "%24SkipToken");
    assert_eq!(world.get(&odd_case).await.status, 200);
}

#[rstest]
#[case("$top=0")]
#[case("$top=-1")]
#[case("$top=x")]
#[case("$top=")]
#[case("$top=99999999999999999999")]
#[case("$top=1&$top=2")]
#[case("$filter=name ne 'g'")]
#[case("$filter=name eq 'g' or name eq 'h'")]
#[case("$filter=secret eq 'g'")]
#[case("$filter=substringof('g', name)")]
#[tokio::test]
async fn a_query_that_cannot_be_followed_is_refused(#[case] query: &str) {
    let world = World::furnished().await;
    let reply = world.get(&format!("{}?{query}", compute("galleries"))).await;
    assert_eq!(reply.status, 400, "{reply:?}");
}

#[rstest]
#[case("resourceType eq 'Microsoft.Compute/galleries'", &["g", "g0000", "g0001", "tagged"])]
#[case("resourceType eq 'microsoft.compute/GALLERIES' and name eq 'G0001'", &["g0001"])]
#[case("tagName eq 'team' and tagValue eq 'it''s us'", &["tagged"])]
#[case("TAGNAME EQ 'TEAM'", &["tagged"])]
#[case("tagname eq 'team' and tagvalue eq 'other'", &[])]
#[case("location eq 'northeurope'", &["tagged"])]
#[case("resourceGroup eq 'none'", &[])]
#[tokio::test]
async fn a_filter_lets_through_what_equals(#[case] filter: &str, #[case] wanted: &[&str]) {
    let world = World::furnished().await;
    fill(&world, 2).await;
    let tagged = json!({"location": "northeurope", "tags": {"team": "it's us"}});
    world.put(&compute("galleries/tagged"), &tagged).await;
    let filter = filter.replace(' ', "%20");
    for (scope, query) in [(group(), String::new()), (SUBSCRIPTION.to_owned(), "&$top=1".to_owned())] {
        let (names, _) = world.names(&format!("{scope}/resources?$filter={filter}{query}")).await;
        assert_eq!(names, wanted);
    }
}

#[tokio::test]
async fn a_filter_that_few_pass_is_answered_in_pages_of_bounded_work() {
    let world = World::furnished().await;
    fill(&world, 6000).await;
    let list = format!("{}/resources?$filter=name%20eq%20'g5999'", group());
    let first = world.get(&list).await;
    assert_eq!(names_in(body(&first)), [""; 0], "the first page ends before the one that passes");
    assert_eq!(world.names(&list).await, (vec!["g5999".to_owned()], 2));
}

#[tokio::test]
async fn a_page_of_large_resources_is_shorter() {
    let world = World::furnished().await;
    let tags: serde_json::Map<_, _> =
        (0..50).map(|number| (format!("{number:0512}"), "v".repeat(256).into())).collect();
    let large = json!({"location": "westeurope", "tags": tags});
    assert_eq!(world.put(&gallery(), &large).await.status, 200);
    fill(&world, 199).await;
    let reply = world.get(&compute("galleries")).await;
    let page = body(&reply).to_string().len();
    assert!(page < 8 << 20, "{page} bytes");
    let (names, pages) = world.names(&compute("galleries")).await;
    assert_eq!((names.len(), pages), (200, 2));
}

#[tokio::test]
async fn resources_are_expanded_as_asked() {
    let world = World::furnished().await;
    let path = format!("{}/resources?$expand=createdTime,changedTime,provisioningState", group());
    let reply = world.send(Ask::new(Method::Get, &path)).await;
    let gallery = &body(&reply)["value"][0];
    assert_eq!(
        (&gallery["createdTime"], &gallery["provisioningState"]),
        (&json!("2026-11-21T00:00:00Z"), &json!("Succeeded"))
    );
    let plain = world.get(&format!("{}/resources", group())).await;
    assert_eq!(body(&plain)["value"][0].get("createdTime"), None);
}
