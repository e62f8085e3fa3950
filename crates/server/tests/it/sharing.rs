//! Two subscriptions of one installation, and a gallery that one shares with the other.

use reqwest::Method;
use serde_json::{Value, json};
use server::config::{Config, SubscriptionConfig};

use crate::world::{TestServer, definition_body, located};

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
    assert_eq!(crate::world::answer(nobody).await.status, 401);
    assert_ne!(listed, Value::Null);
}
