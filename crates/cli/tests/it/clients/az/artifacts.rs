//! `az sig gallery-application` and `az sig in-vm-access-control-profile`, and the versions of both.

use serde_json::json;

use super::Az;
use crate::clients::blob::BlobServer;
use crate::server::{Server, Start};

const TOOL: &str = "-g images -r shelf --application-name tool";
const PROFILE: &str = "-g images --gallery-name shelf --profile-name rules --version-name 1.0.0";

#[test]
fn az_publishes_packages_and_access_rules() {
    let blob = BlobServer::serve(vec![7; 70_001]);
    let az = Az::sign_in(Server::start(Start { config: blob.config(), ..Start::default() }));
    az.json("group create -n images -l westeurope");
    az.json("sig create -g images -r shelf");
    a_package_becomes_a_version(&az, &blob);
    rules_become_a_version(&az);
    az.quiet("sig gallery-application delete -g images -r shelf -n tool --yes");
    az.quiet("sig in-vm-access-control-profile delete -g images --gallery-name shelf -n rules --yes");
    az.json("sig delete -g images -r shelf");
}

fn a_package_becomes_a_version(az: &Az, blob: &BlobServer) {
    let made = az.json("sig gallery-application create -g images -r shelf -n tool --os-type Linux");
    assert_eq!(made["supportedOSType"], "Linux");
    assert_eq!(made.get("provisioningState"), None);
    let link = format!("--package-file-link {}", blob.uri());
    let commands = "--install-command in --remove-command out";
    let regions = r#"--target-regions '[{"name":"westeurope"},{"name":"eastus","regionalReplicaCount":2}]'"#;
    let made = az
        .json(&format!("sig gallery-application version create {TOOL} -n 1.0.0 {link} {commands} {regions}"));
    assert_eq!(made["provisioningState"], "Succeeded");
    let shown = made["publishingProfile"]["source"]["mediaLink"].as_str().unwrap();
    assert_eq!(Some(shown), blob.uri().split('?').next());
    assert!(!az.server.log().contains("c2lnbmF0dXJl"), "the signature is in the log");
    let query = "--query 'replicationStatus.[aggregatedState, summary[].[region, progress]]'";
    let status = az.json(&format!(
        "sig gallery-application version show {TOOL} -n 1.0.0 --expand ReplicationStatus {query}"
    ));
    assert_eq!(status, json!(["Completed", [["East US", 100], ["West Europe", 100]]]));
    let fewer = r#"--target-regions '[{"name":"westeurope"}]'"#;
    let update = format!("sig gallery-application version update {TOOL} -n 1.0.0 {link}");
    az.refuses(&format!("{update} {fewer}"), 1, "BadRequest", "Missing locations: 'East US'");
    az.quiet(&format!("sig gallery-application version delete {TOOL} -n 1.0.0 --yes"));
    az.refuses(
        &format!("sig gallery-application version show {TOOL} -n 1.0.0"),
        3,
        "ResourceNotFound",
        "1.0.0",
    );
}

fn rules_become_a_version(az: &Az) {
    let place = "-g images --gallery-name shelf -n rules";
    az.json(&format!(
        "sig in-vm-access-control-profile create {place} --os-type Linux --applicable-host-endpoint IMDS"
    ));
    let rules = "--mode Audit --default-access Deny --target-regions westeurope";
    let made = az.json(&format!("sig in-vm-access-control-profile-version create {PROFILE} {rules}"));
    assert_eq!(made["provisioningState"], "Succeeded");
    assert_eq!(made["targetLocations"], json!([{"name": "West Europe"}]));
    az.quiet(&format!("sig in-vm-access-control-profile-version delete {PROFILE} --yes"));
}
