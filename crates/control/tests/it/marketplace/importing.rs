//! A catalogue is taken whole or not at all, and again without change.

use control::Method;
use serde_json::{Value, json};

use super::{MARKETPLACE, catalogue, import, imported, names, published, sku, versions};
use crate::world::{Ask, World, body, code, message, version};

#[tokio::test]
async fn importing_again_changes_nothing() {
    let world = World::empty().await;
    let first = catalogue(&sku(&["1.0.0", "1.0.1"]));
    assert_eq!(imported(&world, &first).await, [5, 0, 0]);
    let entries = world.activity_of_tenant().await;
    assert_eq!(imported(&world, &first).await, [0, 0, 5]);
    assert_eq!(world.activity_of_tenant().await, entries, "what changes nothing is not noted");

    // Other spelling of a name is the same entry; what is not named stays.
    let mut second = catalogue(&sku(&["1.0.2"]));
    second["publishers"][0]["name"] = "CANONICAL".into();
    second["publishers"][0]["offers"][0]["skus"][0]["architecture"] = "Arm64".into();
    assert_eq!(imported(&world, &second).await, [1, 1, 2]);
    assert_eq!(names(&world, &versions("westeurope", "")).await, ["1.0.0", "1.0.1", "1.0.2"]);
    let shown = world.get(&versions("westeurope", "$expand=properties&$top=1")).await;
    assert_eq!(body(&shown)[0]["properties"]["architecture"], "Arm64");
    assert!(body(&shown)[0]["id"].as_str().unwrap().contains("/Publishers/Canonical/"));
}

#[tokio::test]
async fn what_is_wrong_is_refused_whole() {
    let world = World::furnished().await;
    let with = |member: &str, value: Value| {
        let mut sku = sku(&[]);
        sku["versions"] = json!([{"name": "1.0.0"}, {"name": "1.0.1", (member): value}]);
        catalogue(&sku)
    };
    let disk = json!({"file": "a.raw", "format": "raw"});
    let mut with_disk = with("disk", disk);
    with_disk["publishers"][0]["offers"][0]["skus"][0]["gallery"] =
        json!({"resourceGroup": "rg", "gallery": "g"});
    let many: Vec<String> = (0..2_000).map(|number| format!("1.0.{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (catalogue, status, words) in [
        (with("colour", json!(1)), 400, "unknown field `colour`"),
        (with("imageVersion", json!(version("9.9.9"))), 404, "Canonical:ubuntu:server"),
        (with_disk, 400, "Publish it to a gallery"),
        (catalogue(&sku(&many)), 413, "at most 2000 are taken at once"),
        (json!({"publishers": [], "Publishers": []}), 400, "stands twice"),
    ] {
        let reply = import(&world, &catalogue).await;
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(message(&reply).contains(words), "{reply:?}");
    }
    let listed = world.get(&format!("{MARKETPLACE}/publishers")).await;
    assert_eq!(body(&listed)["value"], json!([]));
}

#[tokio::test]
async fn one_list_has_an_end() {
    let world = World::empty().await;
    for from in [0, 500] {
        let some: Vec<String> = (from..from + 500).map(|number| format!("1.0.{number}")).collect();
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        imported(&world, &catalogue(&sku(&some))).await;
    }
    let reply = import(&world, &catalogue(&sku(&["2.0.0"]))).await;
    assert_eq!((reply.status, code(&reply)), (409, "QuotaExceeded"));
    assert!(
        message(&reply).contains("/publishers/canonical/offers/ubuntu/skus/server/versions' has 1000"),
        "{reply:?}"
    );
    // Room is made by what goes.
    let gone = world
        .delete(&format!("{MARKETPLACE}/publishers/Canonical/offers/ubuntu/skus/server/versions/1.0.7"))
        .await;
    assert_eq!(gone.status, 200, "{gone:?}");
    imported(&world, &catalogue(&sku(&["2.0.0"]))).await;
}

#[tokio::test]
async fn what_is_delisted_goes_with_all_below() {
    let world = World::empty().await;
    let mut with_alias = sku(&["1.0.0"]);
    with_alias["alias"] = "Ubuntu".into();
    imported(&world, &catalogue(&with_alias)).await;
    let linux = |doc: &Value| doc["outputs"]["aliases"]["value"]["Linux"].clone();
    let image = json!({"publisher": "Canonical", "offer": "ubuntu", "sku": "server", "version": "latest", "architecture": "x64"});
    assert_eq!(linux(&world.engine.image_aliases().await.unwrap()), json!({ "Ubuntu": image }));

    let publisher = format!("{MARKETPLACE}/publishers/canonical");
    let list = world.get(&format!("{publisher}/offers/ubuntu/skus/server/versions")).await;
    assert_eq!(body(&list)["value"][0]["name"], "1.0.0");
    assert_eq!(world.get(&publisher).await.status, 200);
    assert_eq!(world.delete(&publisher).await.status, 200);
    assert_eq!(world.delete(&publisher).await.status, 204);
    assert_eq!(world.get(&publisher).await.status, 404);
    assert_eq!(world.get(&versions("westeurope", "")).await.status, 404);
    assert_eq!(linux(&world.engine.image_aliases().await.unwrap()), json!({}));
    assert_eq!(imported(&world, &catalogue(&with_alias)).await, [4, 0, 0]);
    for (method, path) in
        [(Method::Put, publisher.as_str()), (Method::Delete, MARKETPLACE), (Method::Get, MARKETPLACE)]
    {
        assert_eq!(world.send(Ask::new(method, path).json(&json!({}))).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn an_alias_is_of_one_sku() {
    let world = World::empty().await;
    let named = |name: &str, alias: Option<&str>, os: &str| json!({"name": name, "osType": os, "alias": alias, "versions": []});
    imported(&world, &catalogue(&named("a", Some("Short"), "Windows"))).await;
    let reply = import(&world, &catalogue(&named("b", Some("SHORT"), "Linux"))).await;
    assert_eq!((reply.status, code(&reply)), (409, "Conflict"));
    assert!(message(&reply).contains("'canonical:ubuntu:a'"), "{reply:?}");
    // Given up, it is free; renamed, the old one is gone.
    imported(&world, &catalogue(&named("a", None, "Windows"))).await;
    imported(&world, &catalogue(&named("b", Some("SHORT"), "Linux"))).await;
    imported(&world, &catalogue(&named("b", Some("Other"), "Linux"))).await;
    let document = world.engine.image_aliases().await.unwrap();
    let aliases = &document["outputs"]["aliases"]["value"];
    assert_eq!((&aliases["Windows"], &aliases["Linux"]["Other"]["sku"]), (&json!({}), &json!("b")));
    assert_eq!(aliases["Linux"].as_object().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_ask_for_an_alias_at_once_one_has_it() {
    let world = World::empty().await;
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let sku = json!({"name": format!("s{number}"), "osType": "Linux", "alias": "Short"});
            let ask = Ask::new(Method::Post, &format!("{MARKETPLACE}/import")).json(&catalogue(&sku));
            let engine = world.engine.clone();
            tokio::spawn(async move { engine.handle(&ask.into_request()).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1..].to_vec()), (200, vec![409; 15]));
}

#[tokio::test]
async fn a_version_with_bytes_is_seen_where_they_are() {
    let world = World::furnished().await;
    published(&world, "1.0.0", &["westeurope"]).await;
    let mut with_bytes = sku(&["22.04.1"]);
    with_bytes["versions"][0]["imageVersion"] = version("1.0.0").into();
    imported(&world, &catalogue(&with_bytes)).await;
    assert_eq!(names(&world, &versions("westeurope", "")).await, ["22.04.1"]);
    assert_eq!(names(&world, &versions("northeurope", "")).await, [""; 0]);
    let one = |region: &str| versions(region, "").replace("/versions?", "/versions/22.04.1?");
    assert_eq!(world.get(&one("northeurope")).await.status, 404);
    assert_eq!(world.get(&one("westeurope")).await.status, 200);

    let region = "westeurope".parse().unwrap();
    let found =
        world.engine.marketplace_image(["canonical", "Ubuntu", "server"], "LATEST", &region).await.unwrap();
    assert_eq!((found.version.as_str(), found.image_version.unwrap().name()), ("22.04.1", "1.0.0"));
    let north = "northeurope".parse().unwrap();
    let missing = world
        .engine
        .marketplace_image(["canonical", "ubuntu", "server"], "latest", &north)
        .await
        .unwrap_err();
    assert!(missing.to_string().contains("PlatformImageNotFound"), "{missing}");
    let nobody =
        world.engine.marketplace_image(["x", "ubuntu", "server"], "1.0.0", &region).await.unwrap_err();
    assert!(nobody.to_string().contains("'x:ubuntu:server:1.0.0'"), "{nobody}");

    // Without its bytes it is not offered any more.
    assert_eq!(world.delete(&version("1.0.0")).await.status, 202);
    assert_eq!(names(&world, &versions("westeurope", "")).await, [""; 0]);
}
