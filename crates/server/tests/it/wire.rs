//! What each verb of each type says: status, headers and JSON, but for ids and times.

use reqwest::Method;
use serde_json::{Value, json};

use crate::transcript::transcript;
use crate::world::{TestServer, definition_body, located};

const NOTHING: Value = Value::Null;

/// What is asked of every type: made, made again, shown, changed, listed, looked for, removed, gone.
fn story(path: &str, body: &Value) -> Vec<(Method, String, Value)> {
    let list = path.rsplit_once('/').unwrap().0.to_owned();
    let path = path.to_owned();
    vec![
        (Method::GET, path.clone(), NOTHING),
        (Method::PUT, path.clone(), body.clone()),
        (Method::PUT, path.clone(), body.clone()),
        (Method::PATCH, path.clone(), json!({"tags": {"team": "images"}})),
        (Method::GET, path.clone(), NOTHING),
        (Method::HEAD, path.clone(), NOTHING),
        (Method::GET, list, NOTHING),
        (Method::POST, path.clone(), json!({})),
        (Method::DELETE, path.clone(), NOTHING),
        (Method::DELETE, path.clone(), NOTHING),
        (Method::HEAD, path, NOTHING),
    ]
}

#[tokio::test]
async fn a_group_on_the_wire() {
    let server = TestServer::start().await;
    insta::assert_snapshot!(transcript(&server, &story(&server.group(), &located())).await);
}

#[tokio::test]
async fn a_gallery_on_the_wire() {
    let server = TestServer::start().await;
    server.put(&server.group(), &located()).await;
    let body = json!({"location": "West Europe", "tags": {}, "properties": {"description": "Golden images"}});
    insta::assert_snapshot!(transcript(&server, &story(&server.compute("galleries/g"), &body)).await);
}

#[tokio::test]
async fn a_definition_on_the_wire() {
    let server = TestServer::start().await;
    server.put(&server.group(), &located()).await;
    server.put(&server.compute("galleries/g"), &located()).await;
    let path = server.compute("galleries/g/images/d");
    insta::assert_snapshot!(transcript(&server, &story(&path, &definition_body())).await);
}

#[tokio::test]
async fn an_upload_and_the_version_made_of_it_on_the_wire() {
    let server = TestServer::start().await;
    server.furnish().await;
    let definition = server.compute("galleries/g/images/d");
    let upload = format!("{definition}/providers/Gallerist.Images/uploads/u");
    let opened = json!({"location": "westeurope", "properties": {"format": "raw", "sizeBytes": 1 << 20, "fileName": "disk.raw"}});
    let text = transcript(&server, &story(&upload, &opened)).await;
    insta::assert_snapshot!("an_upload_on_the_wire", text);

    server.put(&upload, &opened).await;
    commit_empty_disk(&server, &upload, 1 << 20).await;
    let version = format!("{definition}/versions/1.0.0");
    let body = json!({
        "location": "westeurope",
        "properties": {
            "publishingProfile": {"targetRegions": [{"name": "West Europe"}, {"name": "northeurope"}]},
            "storageProfile": {"osDiskImage": {"source": {"id": upload}}},
        },
    });
    let mut text = transcript(
        &server,
        &[(Method::GET, version.clone(), NOTHING), (Method::PUT, version.clone(), body.clone())],
    )
    .await;
    let again = server.put(&version, &body).await;
    if let Some(operation) = again.headers.get("azure-asyncoperation") {
        wait(&server, operation.to_str().unwrap()).await;
    }
    text += &transcript(
        &server,
        &[
            (Method::PUT, version.clone(), body),
            (Method::PATCH, version.clone(), json!({"tags": {"team": "images"}})),
            (Method::GET, format!("{version}?api-version=2024-03-03&$expand=ReplicationStatus"), NOTHING),
            (Method::GET, format!("{definition}/versions"), NOTHING),
            (Method::DELETE, definition, NOTHING),
            (Method::DELETE, version.clone(), NOTHING),
            (Method::DELETE, version.clone(), NOTHING),
            (Method::GET, version, NOTHING),
        ],
    )
    .await;
    insta::assert_snapshot!("a_version_on_the_wire", text);
}

#[tokio::test]
async fn an_operation_on_the_wire() {
    let server = TestServer::start().await;
    server.furnish().await;
    let deleted = server.ask(Method::DELETE, &server.compute("galleries/g/images/d"), &NOTHING).await;
    let local = |name: &str| {
        deleted.header(name).strip_prefix(server.connection.arm_endpoint.as_str()).unwrap().to_owned()
    };
    let steps =
        [(Method::GET, local("azure-asyncoperation"), NOTHING), (Method::GET, local("location"), NOTHING)];
    insta::assert_snapshot!(transcript(&server, &steps).await);
}

#[tokio::test]
async fn the_catalogue_on_the_wire() {
    let server = TestServer::start().await;
    let subscription = server.subscription();
    let steps: Vec<_> = [
        "/metadata/endpoints?api-version=2022-09-01".to_owned(),
        "/tenants".to_owned(),
        "/subscriptions".to_owned(),
        subscription.clone(),
        format!("{subscription}/locations"),
        format!("{subscription}/providers"),
        format!("{subscription}/resources"),
    ]
    .into_iter()
    .map(|path| (Method::GET, path, NOTHING))
    .collect();
    insta::assert_snapshot!(transcript(&server, &steps).await);
}

/// Ends an upload with a disk of zeros.
async fn commit_empty_disk(server: &TestServer, upload: &str, bytes: u64) {
    let mut entries = Vec::new();
    store::Entry::Hole { length: bytes }.write_to(&mut entries);
    let request =
        server.request(Method::POST, &format!("/gallerist/commit{upload}")).bearer_auth(server.owner());
    let committed = crate::world::answer(request.body(entries)).await;
    assert_eq!(committed.status, 200, "{}", committed.text);
}

async fn wait(server: &TestServer, operation: &str) {
    let path = operation.strip_prefix(server.connection.arm_endpoint.as_str()).unwrap();
    let polling = async {
        while server.get(path).await.json()["status"] == "InProgress" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, polling).await.expect("the operation ends");
}
