//! A region whose disk is gone, seen by the client: the others are complete, the error names it, and it heals.

use serde_json::Value;

use crate::chance::Chance;
use crate::server::{PLACE, Server, Start};
use crate::wire::Wire;

#[test]
fn a_publish_says_which_region_failed_and_putting_it_again_heals_it() {
    let config = "[replication]\nattempts = 2\npause_ms = 1\nheal_after_seconds = 3600\n".to_owned();
    let server = Server::start(Start { config, ..Start::default() });
    let disk = Chance::new(3).disk(8);
    let file = server.scratch("disk.raw");
    std::fs::write(&file, &disk).unwrap();
    let staging = server.data().join("regions/eastus/staging");
    std::fs::remove_dir(&staging).unwrap();
    std::fs::write(&staging, "not a folder").unwrap();
    let regions = ["--target-regions", "westeurope,northeurope,eastus"];
    let output = server.publish(&file, "raw", "1.0.0", &regions).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("East US") && !said.contains("West Europe"), "{said}");
    assert!(!said.contains(server.data().to_str().unwrap()), "{said}");
    assert_eq!(
        states(&server),
        [("East US", "Failed"), ("North Europe", "Completed"), ("West Europe", "Completed")].map(owned)
    );

    std::fs::remove_file(&staging).unwrap();
    std::fs::create_dir(&staging).unwrap();
    put_again(&server);
    assert!(states(&server).iter().all(|(_, state)| state == "Completed"));
    let file = server.scratch("out.raw");
    let mut export =
        server.command(&["export", "--format", "raw", "-e", "1.0.0", "--region", "eastus", "--output"]);
    assert!(export.arg(&file).args(PLACE).output().unwrap().status.success());
    assert!(std::fs::read(&file).unwrap() == disk);
    assert_eq!(server.run_json(&["verify", "--json"])["violations"], Value::Array(Vec::new()));
}

fn owned((region, state): (&str, &str)) -> (String, String) {
    (region.to_owned(), state.to_owned())
}

/// Each region of the version and its state, by name.
#[tokio::main(flavor = "current_thread")]
async fn states(server: &Server) -> Vec<(String, String)> {
    let wire = Wire::sign_in(server).await;
    let url = format!("{}?api-version=2024-03-03&$expand=ReplicationStatus", wire.version("1.0.0"));
    let shown = wire.ask(reqwest::Method::GET, &url, None).await.body;
    let summary = shown["properties"]["replicationStatus"]["summary"].as_array().unwrap().clone();
    let text = |region: &Value, name: &str| region[name].as_str().unwrap().to_owned();
    let mut states: Vec<_> =
        summary.iter().map(|found| (text(found, "region"), text(found, "state"))).collect();
    states.sort();
    states
}

/// PUTs the version as it is shown, and waits for the operation.
#[tokio::main(flavor = "current_thread")]
async fn put_again(server: &Server) {
    let wire = Wire::sign_in(server).await;
    let id = wire.version("1.0.0");
    let shown = wire.get(&id).await.body;
    let answer = wire.put(&id, &shown).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let ended = wire.ended(&answer.operation.expect("an operation")).await;
    assert_eq!(ended["status"], "Succeeded", "{ended}");
}
