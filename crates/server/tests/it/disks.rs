//! Disks, snapshots and their versions on the wire: how operations are answered, and what an address is told to whom.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, PATIENCE, TestServer, answer};

/// Asks an absolute URL as the owner until the answer is no longer that something is under way.
pub(crate) async fn ended(server: &TestServer, url: &str) -> Answer {
    let asking = async {
        loop {
            let answer = answer(server.client.get(url).bearer_auth(server.owner())).await;
            if answer.status.as_u16() != 202 && answer.json()["status"] != "InProgress" {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap()
}

/// A resource that stands when its operation has ended.
pub(crate) async fn made(server: &TestServer, path: &str, properties: Value, status: u16) -> Value {
    let path = server.compute(path);
    let put = server.put(&path, &json!({"location": "westeurope", "properties": properties})).await;
    assert_eq!((put.status.as_u16(), put.header("location")), (status, ""), "{}", put.text);
    let operation = ended(server, put.header("azure-asyncoperation")).await.json();
    assert_eq!(operation["status"], "Succeeded", "{operation}");
    let shown = server.get(&path).await.json();
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    shown
}

fn empty() -> Value {
    json!({"creationData": {"createOption": "Empty"}, "diskSizeGB": 1})
}

fn copy(of: &str) -> Value {
    json!({"creationData": {"createOption": "Copy", "sourceResourceId": of}})
}

#[tokio::test]
async fn an_address_is_told_to_who_may_ask_and_stands_nowhere_else() {
    let server = TestServer::start().await;
    server.furnish().await;
    let disk = made(&server, "disks/x", empty(), 202).await;
    let path = disk["id"].as_str().unwrap();
    let body = json!({"access": "Read", "durationInSeconds": 3600});
    let begun = server.ask(Method::POST, &format!("{path}/beginGetAccess"), &body).await;
    assert_eq!((begun.status.as_u16(), begun.text.as_str(), begun.header("retry-after")), (202, "", "1"));
    let status = ended(&server, begun.header("azure-asyncoperation")).await.json();
    let told = ended(&server, begun.header("location")).await;
    assert_eq!((told.status.as_u16(), &told.json()), (200, &status["properties"]["output"]));
    let address = told.json()["accessSAS"].as_str().unwrap().to_owned();
    let base = server.connection.arm_endpoint.to_string();
    let start = format!("{}/gallerist/sas{path}/", base.trim_end_matches('/'));
    assert!(address.starts_with(&start), "{address}");
    let stranger = server.stranger().await;
    let refused = answer(server.client.get(begun.header("location")).bearer_auth(&stranger)).await;
    assert_eq!(refused.status.as_u16(), 404, "{}", refused.text);
    let signature = address.rsplit_once("sig=").unwrap().1.trim_end_matches("%3D").to_owned();
    let shown = server.get(path).await;
    assert_eq!(shown.json()["properties"]["diskState"], "ActiveSAS");
    assert!(!shown.text.contains(&signature));
    let deleted = server.ask(Method::DELETE, path, &Value::Null).await;
    assert_eq!((deleted.status.as_u16(), deleted.code().as_str()), (409, "OperationNotAllowed"));
    let ending = server.ask(Method::POST, &format!("{path}/endGetAccess"), &Value::Null).await;
    assert_eq!(ending.status.as_u16(), 202);
    assert_eq!(ended(&server, ending.header("location")).await.status.as_u16(), 200);
    let folder = server.end().await;
    for entry in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let content = if entry.is_file() { std::fs::read(&entry).unwrap() } else { Vec::new() };
        let has = content.windows(signature.len()).any(|part| part == signature.as_bytes());
        assert!(!has, "the signature is in {}", entry.display());
    }
}

#[tokio::test]
async fn the_disks_of_a_version_are_read_by_their_luns() {
    let server = TestServer::start().await;
    server.furnish().await;
    let disk = made(&server, "disks/x", empty(), 202).await["id"].as_str().unwrap().to_owned();
    let snapshot = made(&server, "snapshots/x", copy(&disk), 202).await["id"].as_str().unwrap().to_owned();
    let profile = json!({
        "osDisk": {"osType": "Linux", "osState": "Generalized", "managedDisk": {"id": disk}},
        "dataDisks": [{"lun": 3, "snapshot": {"id": snapshot}, "diskSizeGB": 2}],
    });
    let image =
        made(&server, "images/x", json!({"storageProfile": profile, "hyperVGeneration": "V2"}), 201).await;
    let source = json!({"storageProfile": {"source": {"id": image["id"]}}});
    let version = made(&server, "galleries/g/images/d/versions/1.0.0", source, 201).await;
    let disks = &version["properties"]["storageProfile"]["dataDiskImages"];
    assert_eq!(*disks, json!([{"lun": 3, "sizeInGB": 2, "hostCaching": "None"}]));
    let entries = |query: &'static str| {
        let path = format!("/gallerist/entries{}?{query}", version["id"].as_str().unwrap());
        let request = server.request(Method::GET, &path).bearer_auth(server.owner());
        answer(request)
    };
    let (os, data) = (entries("").await, entries("lun=3").await);
    assert_eq!(os.header("x-gallerist-size-bytes"), (1_u64 << 30).to_string());
    assert_eq!(data.header("x-gallerist-size-bytes"), (2_u64 << 30).to_string());
    assert_eq!(os.header("x-gallerist-digest"), data.header("x-gallerist-digest"));
    let none = entries("lun=4").await;
    assert_eq!((none.status.as_u16(), none.code().as_str()), (404, "ResourceNotFound"));
    assert!(none.text.contains("the LUNs [3]"), "{}", none.text);
    assert_eq!(entries("lun=x").await.status.as_u16(), 400);
}
