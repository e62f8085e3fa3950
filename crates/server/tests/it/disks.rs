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

/// The address that a POST of `access` is answered with.
async fn granted(server: &TestServer, path: &str, access: &str) -> String {
    let body = json!({"access": access, "durationInSeconds": 3600});
    let begun = server.ask(Method::POST, &format!("{path}/beginGetAccess"), &body).await;
    let told = ended(server, begun.header("location")).await.json();
    told["accessSAS"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_disk_goes_in_and_comes_out_by_its_addresses() {
    const MIB: usize = 1 << 20;
    let server = TestServer::start().await;
    server.furnish().await;
    let mut vhd: Vec<u8> =
        (0..20 * MIB).map(|at| if at < 64 << 10 { u8::try_from(at % 251).unwrap() } else { 0 }).collect();
    vhd.extend(disks::fixed_vhd_footer((20 * MIB).try_into().unwrap(), [5; 16]));
    let creation = json!({"creationData": {"createOption": "Upload", "uploadSizeBytes": vhd.len()}});
    let disk = made(&server, "disks/x", creation, 202).await;
    let path = disk["id"].as_str().unwrap();
    let address = granted(&server, path, "Write").await;
    let size = vhd.len();
    for range in [0..64 << 10, size - 512..size] {
        let bytes = vhd[range.clone()].to_vec();
        let request = server.client.put(format!("{address}&comp=page"));
        let request = request.header("x-ms-version", "2025-01-05").header("x-ms-page-write", "update");
        let request = request.header("x-ms-range", format!("bytes={}-{}", range.start, range.end - 1));
        let written = answer(request.body(bytes)).await;
        assert_eq!(written.status.as_u16(), 201, "{}", written.text);
    }
    let ending = server.ask(Method::POST, &format!("{path}/endGetAccess"), &Value::Null).await;
    assert_eq!(ended(&server, ending.header("location")).await.status.as_u16(), 200);
    let late = answer(server.client.get(&address)).await;
    assert_eq!(late.status.as_u16(), 403, "{}", late.text);
    let address = granted(&server, path, "Read").await;
    let read = |range: String| server.client.get(&address).header("x-ms-range", range).send();
    let front = read(format!("bytes=0-{}", MIB - 1)).await.unwrap();
    assert_eq!(front.status().as_u16(), 206);
    assert!(front.bytes().await.unwrap() == vhd[..MIB]);
    let back = read(format!("bytes={}-{}", size - 1024, size - 1)).await.unwrap().bytes().await.unwrap();
    let file = [&vhd[..20 * MIB], &back[512..]].concat();
    let open = disks::open(disks::InputFormat::Vhd, Box::new(file), &disks::Limits::default()).unwrap();
    assert_eq!(open.blocks.size_bytes(), 20 << 20);
    let refused = server.client.put(format!("{address}&comp=page")).header("x-ms-page-write", "clear");
    let refused = answer(refused.header("x-ms-range", "bytes=0-511").body(Vec::new())).await;
    assert_eq!(refused.status.as_u16(), 403, "{}", refused.text);
    let shown = server.get(path).await.json();
    assert_eq!(shown["properties"]["diskSizeBytes"], 20 << 20);
}
