//! Galleries shared with others: what these see, and that they see nothing else.

use control::{Method, Reply};
use metadata::Store;
use rstest::rstest;
use serde_json::{Value, json};

use crate::races::{all_at_once, count};
use crate::world::{
    Ask, BASE, OTHER_SUBSCRIPTION, SUBSCRIPTION, World, body, code, compute, definition, definition_body,
    gallery, header, located, names_in, next_path, version, version_body,
};

const TENANT: &str = "33333333-3333-3333-3333-333333333333";

fn id_of(scope: &str) -> &str {
    scope.rsplit('/').next().unwrap()
}

/// `{subscription}-{NAME}` of the gallery `name`.
fn unique(name: &str) -> String {
    format!("{}-{}", id_of(SUBSCRIPTION), name.to_uppercase())
}

/// What the other subscription asks for in a region.
fn there(region: &str, path: &str) -> String {
    format!("{OTHER_SUBSCRIPTION}/providers/Microsoft.Compute/locations/{region}/{path}")
}

fn shared(path: &str) -> String {
    there("westeurope", &format!("sharedGalleries/{}{path}", unique("s")))
}

/// A group with the gallery `s` of this kind of sharing, and the definition `d` in it.
async fn world(profile: Value) -> World {
    let world = World::furnished().await;
    let wanted = json!({"location": "westeurope", "properties": {"sharingProfile": profile}});
    for (path, wanted) in
        [(compute("galleries/s"), wanted), (compute("galleries/s/images/d"), definition_body("d"))]
    {
        let reply = world.put(&path, &wanted).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
    world
}

async fn groups() -> World {
    world(json!({"permissions": "Groups"})).await
}

async fn share(world: &World, body: &Value) -> Reply {
    world.send(Ask::new(Method::Post, &compute("galleries/s/share")).json(body)).await
}

async fn share_with(world: &World, kind: &str, id: &str) {
    let reply = share(world, &json!({"operationType": "Add", "groups": [{"type": kind, "ids": [id]}]})).await;
    assert_eq!(reply.status, 202, "{reply:?}");
}

/// A version that stands complete in these regions.
async fn publish(world: &World, name: &str, regions: &[&str]) {
    let path = compute(&format!("galleries/s/images/d/versions/{name}"));
    assert_eq!(world.put(&path, &version_body()).await.status, 201);
    world.finish_jobs().await;
    for region in regions {
        let done = json!({"state": "Completed"});
        world.rows.put_facet(&path.parse().unwrap(), &format!("replica/{region}"), &done).await.unwrap();
    }
}

fn is_not_found(reply: &Reply) {
    assert_eq!((reply.status, code(reply)), (404, "NotFound"), "{reply:?}");
    assert_eq!(body(reply)["error"]["message"], "The entity was not found in this Azure location.");
}

#[tokio::test]
async fn sharing_is_an_operation_and_shows_in_the_gallery() {
    let world = groups().await;
    let sent = json!({"operationType": "Add", "groups": [{"type": "Subscriptions", "ids": [id_of(OTHER_SUBSCRIPTION)]}]});
    let reply = share(&world, &sent).await;
    assert_eq!((reply.status, &reply.body), (202, &None));
    for link in ["azure-asyncoperation", "location"] {
        let path = header(&reply, link).unwrap().strip_prefix(BASE).unwrap();
        assert_eq!(world.get(path).await.status, 200, "{link}");
    }
    let operation = header(&reply, "azure-asyncoperation").unwrap().strip_prefix(BASE).unwrap();
    let status = world.get(operation).await;
    assert_eq!(body(&status)["status"], "Succeeded");
    assert_eq!(body(&status)["properties"]["output"], sent);
    let select = format!("{}?$select=Permissions&api-version=2024-03-03", compute("galleries/s"));
    let expand = format!("{}?$expand=sharingProfile%2FGroups&api-version=2024-03-03", compute("galleries/s"));
    for path in [select, expand] {
        let shown = world.get(&path).await;
        let wanted = json!({"permissions": "Groups", "groups": sent["groups"]});
        assert_eq!(body(&shown)["properties"]["sharingProfile"], wanted, "{path}");
    }
    let plain = world.get(&compute("galleries/s")).await;
    assert_eq!(body(&plain)["properties"]["sharingProfile"], json!({"permissions": "Groups"}));
    let actions: Vec<String> = world.activity().await.into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions.last().unwrap(), "Microsoft.Compute/galleries/share/action");
    let private = world.send(Ask::new(Method::Post, &format!("{}/share", gallery())).json(&sent)).await;
    assert_eq!((private.status, code(&private)), (409, "OperationNotAllowed"));
    let stranger =
        world.send(Ask::new(Method::Post, &compute("galleries/s/share")).json(&sent).by("stranger")).await;
    assert_eq!(stranger.status, 403);
}

#[tokio::test]
async fn a_consumer_sees_what_is_shared_and_complete_where_it_looks() {
    let world = groups().await;
    publish(&world, "1.0.2", &["westeurope"]).await;
    publish(&world, "1.0.10", &["westeurope", "northeurope"]).await;
    publish(&world, "2.0.0", &[]).await;
    share_with(&world, "Subscriptions", id_of(OTHER_SUBSCRIPTION)).await;
    let listed = world.get(&there("westeurope", "sharedGalleries")).await;
    let name = unique("s");
    let entry = json!({"name": name, "location": "westeurope", "identifier": {"uniqueId": format!("/SharedGalleries/{name}")}});
    assert_eq!(body(&listed)["value"], json!([entry]));
    let shown = world.get(&shared("").to_lowercase().replace("microsoft.compute", "Microsoft.Compute")).await;
    assert_eq!(body(&shown)["name"], name.as_str(), "names are found in any case: {shown:?}");
    assert_eq!(names_in(body(&world.get(&shared("/images")).await)), ["d"]);
    let image = world.get(&shared("/images/D")).await;
    assert_eq!(body(&image)["identifier"]["uniqueId"], format!("/SharedGalleries/{name}/Images/d"));
    assert_eq!(body(&image)["properties"]["osType"], "Linux");
    assert_eq!(names_in(body(&world.get(&shared("/images/d/versions")).await)), ["1.0.2", "1.0.10"]);
    let north = shared("/images/d/versions").replace("westeurope", "northeurope");
    assert_eq!(names_in(body(&world.get(&north).await)), ["1.0.10"]);
    for (version, found) in [("1.0.2", "1.0.2"), ("latest", "1.0.10"), ("LATEST", "1.0.10")] {
        let reply = world.get(&shared(&format!("/images/d/versions/{version}"))).await;
        assert_eq!(body(&reply)["name"], found, "{reply:?}");
        assert_eq!(body(&reply)["location"], "westeurope");
        assert_eq!(body(&reply)["properties"]["imageState"], "Active");
        assert!(!body(&reply).to_string().contains("resourceGroups"), "nothing of the owner's paths");
    }
    for version in ["2.0.0", "9.9.9", "recent"] {
        is_not_found(&world.get(&shared(&format!("/images/d/versions/{version}"))).await);
    }
    is_not_found(&world.get(&north.replace("/versions", "/versions/1.0.2")).await);
    is_not_found(&world.get(&shared("/images/none")).await);
    is_not_found(&world.get(&shared("/images/none/versions")).await);
}

#[rstest]
#[case::another_subscription("Subscriptions", "44444444-4444-4444-4444-444444444444")]
#[case::a_tenant_with_the_subscriptions_id("AADTenants", "22222222-2222-2222-2222-222222222222")]
#[tokio::test]
async fn what_is_not_shared_with_whom_asks_is_not_there(#[case] kind: &str, #[case] id: &str) {
    let world = groups().await;
    publish(&world, "1.0.0", &["westeurope"]).await;
    share_with(&world, kind, id).await;
    assert_eq!(names_in(body(&world.get(&there("westeurope", "sharedGalleries")).await)), [""; 0]);
    for path in [
        "",
        "/images",
        "/images/d",
        "/images/d/versions",
        "/images/d/versions/1.0.0",
        "/images/d/versions/latest",
    ] {
        is_not_found(&world.get(&shared(path)).await);
    }
    // A private gallery, and one that does not exist, are answered alike.
    for name in ["g", "none"] {
        is_not_found(&world.get(&there("westeurope", &format!("sharedGalleries/{}", unique(name)))).await);
    }
    for name in ["x", "communityGalleries"] {
        is_not_found(&world.get(&there("westeurope", &format!("sharedGalleries/{name}"))).await);
        is_not_found(&world.get(&there("westeurope", &format!("communityGalleries/{name}"))).await);
    }
}

#[tokio::test]
async fn what_was_shared_ends_with_a_removal_a_reset_and_the_gallery() {
    let world = groups().await;
    let other = id_of(OTHER_SUBSCRIPTION);
    for end in ["Remove", "Reset"] {
        share_with(&world, "Subscriptions", other).await;
        assert_eq!(world.get(&shared("")).await.status, 200);
        let sent = json!({"operationType": end, "groups": [{"type": "Subscriptions", "ids": [other]}]});
        assert_eq!(share(&world, &sent).await.status, 202);
        is_not_found(&world.get(&shared("")).await);
        assert_eq!(names_in(body(&world.get(&there("westeurope", "sharedGalleries")).await)), [""; 0]);
    }
    let world = groups().await;
    share_with(&world, "Subscriptions", other).await;
    for path in ["galleries/s/images/d", "galleries/s"] {
        assert_eq!(world.delete(&compute(path)).await.status, 202);
    }
    is_not_found(&world.get(&shared("")).await);
    assert_eq!(names_in(body(&world.get(&there("westeurope", "sharedGalleries")).await)), [""; 0]);
}

#[tokio::test]
async fn a_rejected_gallery_is_out_of_sight_until_it_is_accepted() {
    let world = groups().await;
    let other = id_of(OTHER_SUBSCRIPTION);
    share_with(&world, "Subscriptions", other).await;
    let consent = |subscription: &str, name: &str, word: &str| {
        there(
            "westeurope",
            &format!("sharedGallerySubscriptions/{subscription}/sharedGalleries/{name}/{word}"),
        )
    };
    let post = |path: String| world.send(Ask::new(Method::Post, &path));
    for (word, listed, status) in [("reject", 0, 404), ("Accept", 1, 200), ("reject", 0, 404)] {
        let reply = post(consent(other, &unique("s"), word)).await;
        assert_eq!((reply.status, header(&reply, "retry-after")), (202, Some("1")), "{reply:?}");
        let location = header(&reply, "location").unwrap().strip_prefix(BASE).unwrap();
        assert_eq!(world.get(location).await.status, 200);
        assert_eq!(names_in(body(&world.get(&there("westeurope", "sharedGalleries")).await)).len(), listed);
        assert_eq!(world.get(&shared("")).await.status, status);
    }
    is_not_found(&post(consent(id_of(SUBSCRIPTION), &unique("s"), "accept")).await);
    is_not_found(&post(consent(other, &unique("g"), "accept")).await);
    assert_eq!(post(consent(other, &unique("s"), "forget")).await.status, 404);
    let get = world.get(consent(other, &unique("s"), "accept").trim_end_matches("/accept")).await;
    assert_eq!(get.status, 405);
}

#[tokio::test]
async fn what_is_shared_with_a_tenant_is_listed_when_asked_for() {
    let world = groups().await;
    share_with(&world, "AADTenants", TENANT).await;
    let list = |query: &str| there("westeurope", &format!("sharedGalleries?api-version=2024-03-03{query}"));
    let by_tenant = |path: String| world.send(Ask::new(Method::Get, &path).of_tenant(TENANT));
    assert_eq!(names_in(body(&by_tenant(list("&sharedTo=tenant")).await)), [unique("s")]);
    assert_eq!(names_in(body(&by_tenant(list("")).await)), [""; 0]);
    assert_eq!(by_tenant(shared("")).await.status, 200);
    is_not_found(&world.get(&shared("")).await);
    assert_eq!(names_in(body(&world.get(&list("&sharedTo=tenant")).await)), [""; 0]);
    assert_eq!(world.get(&list("&sharedTo=world")).await.status, 400);
    assert_eq!(world.get(&list("&$filter=name%20eq%20'x'")).await.status, 400);
}

#[tokio::test]
async fn lists_of_what_is_shared_have_pages() {
    let world = groups().await;
    let other = id_of(OTHER_SUBSCRIPTION);
    for name in ["a1", "a2", "a3"] {
        let wanted =
            json!({"location": "westeurope", "properties": {"sharingProfile": {"permissions": "Groups"}}});
        world.put(&compute(&format!("galleries/{name}")), &wanted).await;
        let sent = json!({"operationType": "Add", "groups": [{"type": "Subscriptions", "ids": [other]}]});
        let path = compute(&format!("galleries/{name}/share"));
        assert_eq!(world.send(Ask::new(Method::Post, &path).json(&sent)).await.status, 202);
    }
    let pages = |path: String| {
        let world = &world;
        async move { world.names(&format!("{path}?$top=2&api-version=2024-03-03")).await }
    };
    let (names, count) = pages(there("westeurope", "sharedGalleries")).await;
    assert_eq!((names, count), (["a1", "a2", "a3"].map(unique).to_vec(), 2));
    share_with(&world, "Subscriptions", other).await;
    for name in ["1.0.0", "1.0.1", "1.0.2"] {
        publish(&world, name, &["westeurope"]).await;
    }
    publish(&world, "1.0.3", &["northeurope"]).await;
    let (names, count) = pages(shared("/images/d/versions")).await;
    assert_eq!((names, count), (["1.0.0", "1.0.1", "1.0.2"].map(str::to_owned).to_vec(), 2));
    let first = world.get(&format!("{}?$top=2&api-version=2024-03-03", shared("/images/d/versions"))).await;
    let elsewhere = next_path(body(&first)).unwrap().replace("westeurope", "northeurope");
    assert_eq!(world.get(&elsewhere).await.status, 400, "a token fits its own list only");
}

#[tokio::test]
async fn a_community_gallery_is_everybodys_once_it_is_enabled() {
    let info = json!({"publisherUri": "https://p", "publisherContact": "p@example.org", "eula": "https://e", "publicNamePrefix": "contoso"});
    let world = world(json!({"permissions": "Community", "communityGalleryInfo": info})).await;
    publish(&world, "1.0.0", &["westeurope"]).await;
    let made = world.get(&compute("galleries/s")).await;
    let info = body(&made)["properties"]["sharingProfile"]["communityGalleryInfo"].clone();
    let name = info["publicNames"][0].as_str().unwrap().to_owned();
    let path = |rest: &str| there("westeurope", &format!("communityGalleries/{name}{rest}"));
    is_not_found(&world.get(&path("")).await);
    let enabled = share(&world, &json!({"operationType": "EnableCommunity", "groups": []})).await;
    assert_eq!(enabled.status, 202);
    let shown = world.get(&path("")).await;
    assert_eq!(body(&shown)["communityMetadata"]["eula"], "https://e");
    assert_eq!(body(&shown)["identifier"]["uniqueId"], format!("/CommunityGalleries/{name}"));
    assert_eq!(names_in(body(&world.get(&path("/images")).await)), ["d"]);
    assert_eq!(names_in(body(&world.get(&path("/images/d/versions")).await)), ["1.0.0"]);
    assert_eq!(body(&world.get(&path("/images/d/versions/latest")).await)["name"], "1.0.0");
    is_not_found(&world.get(&path("/images/d/versions/latest").replace("westeurope", "northeurope")).await);
    is_not_found(&world.get(&shared("")).await);
    assert_eq!(world.get(&there("westeurope", "communityGalleries")).await.status, 404);
    assert_eq!(world.get(&there("mars", "sharedGalleries")).await.status, 400);
    assert_eq!(share(&world, &json!({"operationType": "Reset"})).await.status, 202);
    is_not_found(&world.get(&path("")).await);
}

#[tokio::test]
async fn what_is_soft_deleted_is_no_consumers() {
    let world = groups().await;
    share_with(&world, "Subscriptions", id_of(OTHER_SUBSCRIPTION)).await;
    publish(&world, "1.0.0", &["westeurope"]).await;
    assert_eq!(world.get(&shared("/images/d/versions/1.0.0")).await.status, 200);
    world.delete(&compute("galleries/s/images/d/versions/1.0.0")).await;
    is_not_found(&world.get(&shared("/images/d/versions/1.0.0")).await);
    is_not_found(&world.get(&shared("/images/d/versions/latest")).await);
}

#[tokio::test]
async fn only_who_may_ask_in_the_subscription_is_answered() {
    let world = groups().await;
    share_with(&world, "Subscriptions", id_of(OTHER_SUBSCRIPTION)).await;
    for path in
        [shared(""), there("westeurope", "sharedGalleries"), there("westeurope", "communityGalleries/x")]
    {
        let reply = world.send(Ask::new(Method::Get, &path).by("stranger")).await;
        assert_eq!((reply.status, code(&reply)), (403, "AuthorizationFailed"), "{path}");
        let nobody = world.send(Ask::new(Method::Get, &path).by_nobody()).await;
        assert_eq!(nobody.status, 401);
        let unknown = path.replace("22222222-2222", "99999999-2222");
        assert_eq!(code(&world.get(&unknown).await), "SubscriptionNotFound", "{unknown}");
    }
    assert_eq!(world.put(&shared(""), &located()).await.status, 405);
    assert_eq!(world.get(&version("1.0.0")).await.status, 404);
    assert_eq!(world.get(&definition()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_added_at_once_is_added_or_told() {
    let world = groups().await;
    let id = |number: usize| format!("00000000-0000-0000-0000-{:012}", number + 1);
    let replies = all_at_once(&world, |number| {
        let sent =
            json!({"operationType": "Add", "groups": [{"type": "Subscriptions", "ids": [id(number)]}]});
        Ask::new(Method::Post, &compute("galleries/s/share")).json(&sent)
    })
    .await;
    let path = format!("{}?$select=Permissions&api-version=2024-03-03", compute("galleries/s"));
    let shown = world.get(&path).await;
    let ids = body(&shown)["properties"]["sharingProfile"]["groups"][0]["ids"].as_array().unwrap();
    assert_eq!(ids.len(), count(&replies, 202));
    assert!((1..=30).contains(&ids.len()));
    for (number, reply) in replies.iter().enumerate() {
        assert_eq!(ids.contains(&json!(id(number))), reply.status == 202, "{reply:?}");
        assert!(matches!(reply.status, 202 | 400 | 409), "{reply:?}");
    }
    let claims = world.rows.claimed("/sharedwith/subscriptions/", None, 100).await.unwrap();
    assert_eq!(claims.len(), ids.len());
}
