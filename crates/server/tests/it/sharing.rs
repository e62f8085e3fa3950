//! Two subscriptions of one installation, and a gallery that one shares with the other.

use reqwest::Method;
use serde_json::{Value, json};
use server::config::{Config, SubscriptionConfig};

use store::{BlockBuilder, Digest, Entry};

use crate::world::{PATIENCE, TestServer, answer, definition_body, located};

const OTHER: &str = "22222222-2222-2222-2222-222222222222";

/// A server with a second subscription, on the folder of one that has ended.
async fn server() -> TestServer {
    let folder = TestServer::start().await.end().await;
    let other = SubscriptionConfig { id: OTHER.parse().unwrap(), name: "Team two".to_owned() };
    TestServer::start_with(folder, Config { subscriptions: vec![other], ..Config::default() }).await
}

fn in_other(path: &str) -> String {
    format!("/subscriptions/{OTHER}/providers/Microsoft.Compute/locations/westeurope/{path}")
}

#[tokio::test]
async fn a_second_subscription_is_listed_and_sees_what_is_shared_with_it() {
    let server = server().await;
    let listed = server.get("/subscriptions?api-version=2022-12-01").await.json();
    let names: Vec<&str> = listed["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["displayName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Gallerist", "Team two"]);
    assert_eq!(listed["value"][1]["subscriptionId"], OTHER);
    let group = server.put(&format!("/subscriptions/{OTHER}/resourceGroups/mine"), &located()).await;
    assert_eq!(group.status, 201, "the owner may act in it: {}", group.text);

    let shared =
        json!({"location": "westeurope", "properties": {"sharingProfile": {"permissions": "Groups"}}});
    for (path, body) in [
        (server.group(), located()),
        (server.compute("galleries/s"), shared),
        (server.compute("galleries/s/images/d"), definition_body()),
    ] {
        assert_eq!(server.put(&path, &body).await.status, 201);
    }
    let empty = server.get(&in_other("sharedGalleries")).await;
    assert_eq!((empty.status.as_u16(), empty.json()), (200, json!({"value": []})));
    let sent = json!({"operationType": "Add", "groups": [{"type": "Subscriptions", "ids": [OTHER]}]});
    let share = server.ask(Method::POST, &server.compute("galleries/s/share"), &sent).await;
    assert_eq!(share.status, 202, "{}", share.text);
    let base = server.connection.arm_endpoint.to_string();
    for header in ["azure-asyncoperation", "location"] {
        let path = share.header(header).strip_prefix(&base).unwrap().to_owned();
        assert_eq!(server.get(&path).await.status, 200, "{header}");
    }
    let unique = format!("{}-S", server.connection.subscription_id);
    let listed = server.get(&in_other("sharedGalleries")).await.json();
    assert_eq!(listed["value"][0]["name"], unique.as_str());
    let image = server.get(&in_other(&format!("sharedGalleries/{unique}/images/d"))).await;
    assert_eq!(image.json()["properties"]["osType"], "Linux");
    let version = server.get(&in_other(&format!("sharedGalleries/{unique}/images/d/versions/latest"))).await;
    assert_eq!((version.status.as_u16(), version.code().as_str()), (404, "NotFound"));
    let own = in_other(&format!("sharedGalleries/{unique}"))
        .replace(OTHER, &server.connection.subscription_id.to_string());
    assert_eq!(server.get(&own).await.status, 404, "it is not shared with its own");
}

#[tokio::test]
async fn a_subscription_stays_when_the_configuration_forgets_it() {
    let folder = server().await.end().await;
    let server = TestServer::start_in(folder).await;
    let listed = server.get("/subscriptions?api-version=2022-12-01").await.json();
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(2));
    let query = json!({"query": "communitygalleryresources| where type == 'microsoft.compute/locations/communitygalleries' "});
    let graph = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
    let found = server.ask(Method::POST, graph, &query).await;
    assert_eq!((found.status.as_u16(), &found.json()["data"]), (200, &json!([])));
    let nobody = server.request(Method::POST, graph).json(&query);
    assert_eq!(answer(nobody).await.status, 401);
    assert_ne!(listed, Value::Null);
}

/// Publishes 1.0.0 of one chunk into the definition `d` of `s`, and waits until it stands.
async fn publish(server: &TestServer) {
    let upload = server.compute("galleries/s/images/d/providers/Gallerist.Images/uploads/u");
    let properties = json!({"format": "raw", "sizeBytes": 4096});
    let begun = server.put(&upload, &json!({"location": "westeurope", "properties": properties})).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let chunk = vec![7; 4096];
    let digest = Digest::of(&chunk);
    let (mut block, mut blocks, mut list) = (BlockBuilder::new(), Vec::new(), Vec::new());
    block.push(digest, &chunk).unwrap();
    block.finish().write_to(&mut blocks);
    Entry::Chunk { digest, length: 4096 }.write_to(&mut list);
    for (door, body) in [("blocks", blocks), ("commit", list)] {
        let request = server.request(Method::POST, &format!("/gallerist/{door}{upload}?"));
        let sent = answer(request.bearer_auth(server.owner()).body(body)).await;
        assert_eq!(sent.status, 200, "{}", sent.text);
    }
    let version = server.compute("galleries/s/images/d/versions/1.0.0");
    let storage = json!({"osDiskImage": {"source": {"id": upload}}});
    let made = server
        .put(&version, &json!({"location": "westeurope", "properties": {"storageProfile": storage}}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let stands = async {
        while server.get(&version).await.json()["properties"]["provisioningState"] != "Succeeded" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, stands).await.unwrap();
}

#[tokio::test]
async fn the_bytes_of_a_shared_version_are_its_consumers_too() {
    let server = server().await;
    let shared =
        json!({"location": "westeurope", "properties": {"sharingProfile": {"permissions": "Groups"}}});
    for (path, body) in [
        (server.group(), located()),
        (server.compute("galleries/s"), shared),
        (server.compute("galleries/s/images/d"), definition_body()),
    ] {
        assert_eq!(server.put(&path, &body).await.status, 201);
    }
    publish(&server).await;
    let unique = format!("{}-S", server.connection.subscription_id);
    let path = in_other(&format!("sharedGalleries/{unique}/images/d/versions/latest"));
    let read = |door: &str, path: &str| {
        let request = server.request(Method::GET, &format!("/gallerist/{door}{path}?from=0&to=4096"));
        answer(request.bearer_auth(server.owner()))
    };
    for door in ["entries", "blocks"] {
        let refused = read(door, &path).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (404, "NotFound"), "not shared yet");
    }
    let sent = json!({"operationType": "Add", "groups": [{"type": "Subscriptions", "ids": [OTHER]}]});
    assert_eq!(server.ask(Method::POST, &server.compute("galleries/s/share"), &sent).await.status, 202);
    let entries = read("entries", &path).await;
    assert_eq!(entries.status, 200, "{}", entries.text);
    assert_eq!(
        entries.header("x-gallerist-version"),
        path.replace("latest", "1.0.0"),
        "nothing of the owner's path"
    );
    assert_eq!(entries.header("x-gallerist-region"), "westeurope");
    assert_eq!(entries.header("x-gallerist-size-bytes"), "4096");
    let owned = server.compute("galleries/s/images/d/versions/1.0.0");
    let by_owner = read("entries", &owned).await;
    assert_eq!(entries.header("x-gallerist-digest"), by_owner.header("x-gallerist-digest"));
    assert_eq!(entries.text, by_owner.text);
    assert_eq!(read("blocks", &path).await.status, 200);
    let elsewhere = path.replace("/westeurope/", "/eastus/");
    assert_eq!(read("entries", &elsewhere).await.code(), "NotFound", "not complete there");
    let stranger = server.stranger().await;
    let request = server.request(Method::GET, &format!("/gallerist/entries{path}?")).bearer_auth(stranger);
    assert_eq!(answer(request).await.status, 403);
    assert_eq!(answer(server.request(Method::GET, &format!("/gallerist/entries{path}?"))).await.status, 401);
    // What is no more shared is no more read.
    let reset = json!({"operationType": "Reset"});
    assert_eq!(server.ask(Method::POST, &server.compute("galleries/s/share"), &reset).await.status, 202);
    assert_eq!(read("blocks", &path).await.code(), "NotFound");
}
