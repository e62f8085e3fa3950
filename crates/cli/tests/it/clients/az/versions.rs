//! `az sig image-version`, from a blob and from another version.

use serde_json::{Value, json};

use super::galleries::{deleted, finished, steps};
use super::{Az, Exchange};
use crate::clients::blob::BlobServer;
use crate::clients::disk::fixed_vhd;
use crate::server::{Server, Start};

const SHELF: &str = "-g images -r shelf -i linux";
const REGIONS: &str =
    "--query publishingProfile.targetRegions[].[name,regionalReplicaCount,storageAccountType]";

#[test]
fn az_publishes_changes_and_deletes_versions() {
    let folder = tempfile::tempdir().unwrap();
    let blob = BlobServer::serve(fixed_vhd(folder.path()));
    let az = Az::sign_in(Server::start(Start { config: blob.config(), ..Start::default() }));
    az.json("group create -n images -l westeurope");
    az.json("sig create -g images -r shelf");
    let names = "--publisher p --offer o --sku s --os-type Linux";
    az.json(&format!("sig image-definition create {SHELF} {names}"));

    a_blob_becomes_a_version(&az, &blob);
    a_version_becomes_another(&az);
    regions_come_and_go(&az);
    whoever_does_not_wait_can_come_back(&az, &blob);
    versions_go(&az);
}

fn vhd(blob: &BlobServer) -> String {
    let account = "{group}/providers/Microsoft.Storage/storageAccounts/disks";
    format!("--os-vhd-uri {} --os-vhd-storage-account {account}", blob.uri())
}

fn a_blob_becomes_a_version(az: &Az, blob: &BlobServer) {
    let targets = "--target-regions westeurope=2 'eastus=1=standard_zrs' --tags build=7";
    let (made, exchanges) =
        az.exchanges(&format!("sig image-version create {SHELF} -e 1.0.0 {} {targets}", vhd(blob)));
    assert_eq!(made["provisioningState"], "Succeeded");
    assert_eq!(made["tags"], json!({"build": "7"}));
    let source = &made["storageProfile"]["osDiskImage"]["source"]["uri"];
    // The signature is nobody's business.
    assert_eq!(source.as_str().map(str::to_owned), blob.uri().split('?').next().map(str::to_owned));
    assert_eq!(
        made["publishingProfile"]["targetRegions"],
        json!([
            {"name": "West Europe", "regionalReplicaCount": 2, "storageAccountType": "Standard_LRS"},
            {"name": "East US", "regionalReplicaCount": 1, "storageAccountType": "Standard_ZRS"},
        ])
    );
    polled_as_az_likes_it(&exchanges);
    assert!(!az.server.log().contains("c2lnbmF0dXJl"), "the signature is in the log");

    let shown = az.json(&format!("sig image-version show {SHELF} -e 1.0.0"));
    assert_eq!(shown, made);
    let query = "--query 'replicationStatus.[aggregatedState, summary[].[region, state, progress]]'";
    let status =
        az.json(&format!("sig image-version show {SHELF} -e 1.0.0 --expand ReplicationStatus {query}"));
    assert_eq!(
        status,
        json!(["Completed", [["East US", "Completed", 100], ["West Europe", "Completed", 100]]])
    );
}

/// The first answer says where to ask and when; every answer that is not the last says when.
fn polled_as_az_likes_it(exchanges: &[Exchange]) {
    let put = exchanges.iter().find(|exchange| exchange.method == "PUT").unwrap();
    assert_eq!((put.status, put.body["properties"]["provisioningState"].as_str()), (201, Some("Creating")));
    let operation = put.header("azure-asyncoperation").unwrap();
    assert!(operation.starts_with("https://127.0.0.1:"), "{operation}");
    // A Location would make az show what is there instead of the version.
    assert_eq!(put.header("location"), None);
    for exchange in exchanges.iter().filter(|exchange| exchange.is_unfinished()) {
        assert_eq!(exchange.header("retry-after"), Some("1"), "{exchange:?}");
    }
    let last = exchanges.last().unwrap();
    assert_eq!((last.method.as_str(), last.status, &last.url), ("GET", 200, &put.url));
}

fn a_version_becomes_another(az: &Az) {
    let source =
        "--image-version {group}/providers/Microsoft.Compute/galleries/shelf/images/linux/versions/1.0.0";
    let further = "--replica-count 3 --exclude-from-latest true --end-of-life-date 2040-02-03 --storage-account-type Standard_ZRS";
    let made = az.json(&format!("sig image-version create {SHELF} -e 1.0.10 {source} {further}"));
    let profile = &made["publishingProfile"];
    assert_eq!(
        [
            &profile["replicaCount"],
            &profile["excludeFromLatest"],
            &profile["endOfLifeDate"],
            &profile["targetRegions"]
        ],
        [
            &json!(3),
            &json!(true),
            &json!("2040-02-03T12:59:59+00:00"),
            &json!([{"name": "West Europe", "regionalReplicaCount": 3, "storageAccountType": "Standard_ZRS"}]),
        ]
    );
    az.json(&format!("sig image-version create {SHELF} -e 1.0.2 {source}"));
    assert_eq!(
        az.json(&format!("sig image-version list {SHELF} --query [].name")),
        json!(["1.0.0", "1.0.2", "1.0.10"])
    );
}

fn regions_come_and_go(az: &Az) {
    let update =
        |further: &str| az.json(&format!("sig image-version update {SHELF} -e 1.0.2 {further} {REGIONS}"));
    let region = |name: &str, count: u64| json!([name, count, "Standard_LRS"]);
    let (west, north, east) = (region("West Europe", 1), region("North Europe", 2), region("East US", 1));
    let added = update("--add publishingProfile.targetRegions name=northeurope regionalReplicaCount=2");
    assert_eq!(added, json!([west, north]));
    assert_eq!(update("--target-regions westeurope=1 northeurope=2 eastus=1"), json!([west, north, east]));
    let remove = "--remove publishingProfile.targetRegions 1";
    az.refuses(
        &format!("sig image-version update {SHELF} -e 1.0.2 {remove}"),
        1,
        "BadRequest",
        "Complete set of target locations not specified while updating gallery artifact '1.0.2'",
    );
    let allowed = update(&format!("--set safetyProfile.allowDeletionOfReplicatedLocations=true {remove}"));
    assert_eq!(allowed, json!([west, east]));

    // Nothing has to be copied: nothing to wait for.
    let further = "--set publishingProfile.excludeFromLatest=true tags.stage=test";
    let (updated, exchanges) = az.exchanges(&format!("sig image-version update {SHELF} -e 1.0.2 {further}"));
    assert_eq!(
        (&updated["publishingProfile"]["excludeFromLatest"], &updated["tags"]),
        (&json!(true), &json!({"stage": "test"}))
    );
    assert_eq!(steps(&exchanges), ["GET 200", "PUT 200"]);
    finished(exchanges.last().unwrap());
}

fn whoever_does_not_wait_can_come_back(az: &Az, blob: &BlobServer) {
    blob.hold(true);
    let (_, exchanges) =
        az.exchanges(&format!("sig image-version create {SHELF} -e 2.0.0 {} --no-wait", vhd(blob)));
    let put = exchanges.iter().find(|exchange| exchange.method == "PUT").unwrap();
    let operation = put.header("azure-asyncoperation").unwrap();
    let (status, polls) = az.exchanges(&format!("rest --method get --url {operation}"));
    assert_eq!(status["status"], "InProgress");
    assert_eq!(polls.last().unwrap().header("retry-after"), Some("1"));
    let shown = az.json(&format!("sig image-version show {SHELF} -e 2.0.0 --expand ReplicationStatus"));
    assert_eq!(
        (&shown["provisioningState"], &shown["replicationStatus"]["aggregatedState"]),
        (&json!("Creating"), &json!("InProgress"))
    );

    blob.hold(false);
    az.quiet(&format!("sig image-version wait {SHELF} -e 2.0.0 --created --interval 1"));
    let (status, polls) = az.exchanges(&format!("rest --method get --url {operation}"));
    assert_eq!(status["status"], "Succeeded");
    assert_eq!(polls.last().unwrap().header("retry-after"), None);
}

fn versions_go(az: &Az) {
    az.refuses(
        "sig image-definition delete -g images -r shelf -i linux",
        1,
        "CannotDeleteResource",
        "nested resources",
    );
    az.refuses("sig delete -g images -r shelf", 1, "CannotDeleteResource", "nested resources");
    let (nothing, exchanges) = az.exchanges(&format!("sig image-version delete {SHELF} -e 2.0.0"));
    assert_eq!(nothing, Value::Null);
    deleted(&exchanges);
    az.refuses(&format!("sig image-version show {SHELF} -e 2.0.0"), 3, "ResourceNotFound", "versions/2.0.0");
    az.quiet(&format!("sig image-version delete {SHELF} -e 1.0.10 --no-wait"));
    az.quiet(&format!("sig image-version wait {SHELF} -e 1.0.10 --deleted --interval 1"));
    az.quiet(&format!("sig image-version delete {SHELF} -e 1.0.2"));
    az.quiet(&format!("sig image-version delete {SHELF} -e 1.0.0"));
    // A parent may go right after its last child.
    az.quiet("sig image-definition delete -g images -r shelf -i linux");
    az.quiet("sig delete -g images -r shelf");
}
