//! What the resource graph answers.

use control::{Method, Reply};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{
    Ask, OTHER_SUBSCRIPTION, SUBSCRIPTION, World, body, code, compute, definition_body, group, located,
};

const AZ: &str = "communitygalleryresources| where type == 'microsoft.compute/locations/communitygalleries' ";

fn ask(sent: &Value) -> Ask {
    Ask::new(Method::Post, "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01").json(sent)
}

async fn query(world: &World, text: &str) -> Reply {
    world.send(ask(&json!({ "query": text }))).await
}

fn names(reply: &Reply) -> Vec<&str> {
    let rows = body(reply)["data"].as_array().unwrap_or_else(|| panic!("{reply:?}"));
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

/// Every row, page after page of `top`, and how many pages there were.
async fn pages(world: &World, text: &str, top: usize) -> (Vec<Value>, usize) {
    let (mut rows, mut count, mut token) = (Vec::new(), 0, Value::Null);
    loop {
        let sent = json!({"query": text, "options": {"$top": top, "$skipToken": token}});
        let reply = world.send(ask(&sent)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let page = body(&reply)["data"].as_array().unwrap().clone();
        assert!(page.len() <= top && body(&reply)["count"] == page.len());
        rows.extend(page);
        count += 1;
        token = body(&reply)["$skipToken"].clone();
        if token.is_null() {
            return (rows, count);
        }
    }
}

/// Community galleries `names`, each enabled.
async fn community(world: &World, names: &[&str]) {
    for name in names {
        let info = json!({"publisherUri": "u", "publisherContact": "c", "eula": "e", "publicNamePrefix": format!("contoso{name}")});
        let profile = json!({"permissions": "Community", "communityGalleryInfo": info});
        let wanted = json!({"location": "westeurope", "properties": {"sharingProfile": profile}});
        let path = compute(&format!("galleries/{name}"));
        assert_eq!(world.put(&path, &wanted).await.status, 201);
        let sent = json!({"operationType": "EnableCommunity", "groups": []});
        assert_eq!(
            world.send(Ask::new(Method::Post, &format!("{path}/share")).json(&sent)).await.status,
            202
        );
    }
}

#[tokio::test]
async fn galleries_of_the_community_are_told_to_everybody() {
    let world = World::furnished().await;
    community(&world, &["a", "b", "c"]).await;
    let by_az = format!("{AZ}| where location == 'northeurope' ");
    for caller in ["0wner", "stranger"] {
        let reply = world.send(ask(&json!({"query": by_az, "options": {"$top": 30}})).by(caller)).await;
        assert_eq!((reply.status, names(&reply).len()), (200, 3), "{caller}");
        let row = &body(&reply)["data"][0];
        let name = row["name"].as_str().unwrap();
        assert!(name.starts_with("contosoa-"), "{name}");
        let path = format!("/providers/Microsoft.Compute/locations/northeurope/CommunityGalleries/{name}");
        assert_eq!(row["id"], path);
        assert_eq!(row["properties"]["identifier"]["uniqueId"], format!("/CommunityGalleries/{name}"));
        assert_eq!(row["properties"]["communityMetadata"]["publicNames"], json!([name]));
        assert_eq!((&row["subscriptionId"], &row["resourceGroup"]), (&json!(""), &json!("")));
        assert!(!row.to_string().contains("11111111-1111"), "nothing of the owner's subscription");
    }
    let nobody = world.send(ask(&json!({ "query": AZ })).by_nobody()).await;
    assert_eq!(nobody.status, 401);
    let everywhere = query(&world, AZ).await;
    assert_eq!(names(&everywhere).len(), 6, "each in both regions");
    for top in 1..=7 {
        let (rows, count) = pages(&world, AZ, top).await;
        assert_eq!(json!(rows), body(&everywhere)["data"], "{top} a page");
        assert!(count >= 6_usize.div_ceil(top), "{count} pages of {top}");
    }
    for (limit, top) in [(2, 30), (2, 1), (5, 2), (0, 30)] {
        let (rows, _) = pages(&world, &format!("{AZ}| limit {limit}"), top).await;
        assert_eq!(json!(rows), json!(body(&everywhere)["data"].as_array().unwrap()[..limit]));
    }
}

#[tokio::test]
async fn a_gallery_that_is_reset_or_gone_is_not_told() {
    let world = World::furnished().await;
    community(&world, &["a", "b"]).await;
    let reset =
        Ask::new(Method::Post, &compute("galleries/a/share")).json(&json!({"operationType": "Reset"}));
    assert_eq!(world.send(reset).await.status, 202);
    assert_eq!(world.delete(&compute("galleries/b")).await.status, 202);
    assert_eq!(names(&query(&world, AZ).await), [""; 0]);
}

#[tokio::test]
async fn resources_are_found_by_type_and_name() {
    let world = World::furnished().await;
    let other = format!("{OTHER_SUBSCRIPTION}/resourceGroups/other");
    world.put(&other, &located()).await;
    world.put(&format!("{other}/providers/Microsoft.Compute/galleries/g"), &located()).await;
    let text = "Resources | where type =~ 'Microsoft.Compute/galleries' | where name == 'g' | project id, name, properties, resourceGroup, subscriptionId | limit 10";
    let reply = query(&world, text).await;
    assert_eq!(names(&reply), ["g", "g"]);
    let row = &body(&reply)["data"][0];
    assert_eq!(row["id"], compute("galleries/g"));
    assert_eq!(row["properties"]["provisioningState"], "Succeeded");
    assert_eq!(row["resourceGroup"], "rg");
    assert_eq!(row.as_object().unwrap().len(), 5);
    let one = world
        .send(ask(&json!({"query": text, "subscriptions": ["22222222-2222-2222-2222-222222222222"]})))
        .await;
    assert_eq!(body(&one)["data"][0]["subscriptionId"], "22222222-2222-2222-2222-222222222222");
    assert_eq!(names(&one), ["g"]);
    let everything = query(&world, "resources").await;
    assert_eq!(names(&everything), ["g", "d", "g"], "groups are no resources");
    assert_eq!(body(&everything)["data"][1]["type"], "microsoft.compute/galleries/images");
}

#[tokio::test]
async fn resources_are_told_to_who_may_list_them() {
    let world = World::furnished().await;
    let reply = world.send(ask(&json!({"query": "Resources"})).by("stranger")).await;
    assert_eq!((reply.status, names(&reply).len()), (200, 0));
    let named = json!({"query": "Resources", "subscriptions": [SUBSCRIPTION.rsplit('/').next()]});
    assert_eq!(names(&world.send(ask(&named).by("stranger")).await), [""; 0]);
    let unknown = json!({"query": "Resources", "subscriptions": ["99999999-9999-9999-9999-999999999999"]});
    assert_eq!(names(&world.send(ask(&unknown)).await), [""; 0]);
}

#[rstest]
#[case("Resources")]
#[case("Resources | where type =~ 'microsoft.compute/galleries/images'")]
#[case("Resources | where name contains '1'")]
#[tokio::test]
async fn many_resources_come_page_by_page(#[case] text: &str) {
    let world = World::furnished().await;
    for number in 10..25 {
        let name = format!("d{number}");
        let path = compute(&format!("galleries/g/images/{name}"));
        assert_eq!(world.put(&path, &definition_body(&name)).await.status, 201);
    }
    // Pages end at the border of two subscriptions too.
    let other = format!("{OTHER_SUBSCRIPTION}/resourceGroups/other");
    world.put(&other, &located()).await;
    for name in ["g1", "g2"] {
        let path = format!("{other}/providers/Microsoft.Compute/galleries/{name}");
        assert_eq!(world.put(&path, &located()).await.status, 201);
        let image = format!("{path}/images/d1");
        assert_eq!(world.put(&image, &definition_body("d1")).await.status, 201);
    }
    let whole = query(&world, text).await;
    assert!(body(&whole)["count"].as_u64().unwrap() >= 12, "{whole:?}");
    for top in [1, 2, 3, 4, 5, 15, 16, 17, 100] {
        let (rows, _) = pages(&world, text, top).await;
        assert_eq!(json!(rows), body(&whole)["data"], "{top} a page");
    }
    let limited = format!("{text} | limit 9");
    for top in [1, 4, 9, 100] {
        let (rows, _) = pages(&world, &limited, top).await;
        assert_eq!(
            rows[..],
            body(&whole)["data"].as_array().unwrap()[..9],
            "a limit counts over pages of {top}"
        );
    }
    let token = json!({"query": text, "options": {"$top": 4}});
    let token = body(&world.send(ask(&token)).await)["$skipToken"].clone();
    let elsewhere = json!({"query": "Resources | where name =~ 'x'", "options": {"$skipToken": token}});
    assert_eq!(world.send(ask(&elsewhere)).await.status, 400, "a token fits its own query only");
}

#[rstest]
#[case(json!({}), "InvalidParameter")]
#[case(json!({"query": 3}), "InvalidParameter")]
#[case(json!({"query": "Resources | summarize count()"}), "InvalidQuery")]
#[case(json!({"query": "communitygalleryresources | where type == 'microsoft.compute/locations/communitygalleries/images'"}), "InvalidQuery")]
#[case(json!({"query": "Resources", "options": {"$top": 0}}), "InvalidParameter")]
#[case(json!({"query": "Resources", "options": {"$top": "many"}}), "InvalidParameter")]
#[case(json!({"query": "Resources", "options": {"resultFormat": "table"}}), "InvalidParameter")]
#[case(json!({"query": "Resources", "options": {"$skipToken": "made up"}}), "InvalidParameter")]
#[tokio::test]
async fn what_is_not_understood_is_refused(#[case] sent: Value, #[case] wanted: &str) {
    let world = World::furnished().await;
    let reply = world.send(ask(&sent)).await;
    assert_eq!((reply.status, code(&reply)), (400, wanted), "{reply:?}");
}

#[tokio::test]
async fn the_graph_is_asked_by_post_alone() {
    let world = World::furnished().await;
    let path = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
    for method in [Method::Get, Method::Put, Method::Delete] {
        let reply = world.send(Ask::new(method, path)).await;
        assert_eq!(reply.status, 405, "{reply:?}");
    }
    assert_eq!(world.get(&group()).await.status, 200);
}
