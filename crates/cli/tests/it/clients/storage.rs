//! The Python SDK of blob storage: one story, told by `tests/clients/blobs.py`.

use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};

use super::prepared;
use crate::server::Server;
use crate::wire::Wire;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/blobs.py");
const MIB: u64 = 1 << 20;

#[test]
fn the_python_sdk_writes_and_reads_blobs() {
    let server = Server::with_defaults();
    let key = account(&server, "acct1");
    let connection = server.connection();
    let output = Command::new(prepared("GALLERIST_PYTHON"))
        .arg(SCRIPT)
        .env("ACCOUNT", "acct1")
        .env("ACCOUNT_KEY", &key)
        .env("ACCOUNT_URL", format!("{}/acct1", connection.arm_endpoint))
        .env("REQUESTS_CA_BUNDLE", &connection.ca_file)
        .env("HOME", server.scratch("home"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .expect("the interpreter is installed (./x test sees to it)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", server.log());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let wanted = json!({
        "container": ["vhds"],
        "container again": [409, "ContainerAlreadyExists"],
        "properties": ["PageBlob", 16 * MIB, {"origin": "sdk"}],
        "ranges": [[0, 4 * MIB - 1], [12 * MIB, 16 * MIB - 1]],
        "whole": true,
        "parallel ranges": true,
        "stale": [412, "ConditionNotMet"],
        "odd range": [416, "InvalidPageRange"],
        "resized": [17 * MIB, 1],
        "blocks": [5, true],
        "names": ["images/a b/öl.vhd", "notes.bin"],
        "folded": ["images/", "notes.bin"],
        "signed": true,
        "signed for reading": [403, "AuthorizationPermissionMismatch"],
        "gone": [404, "ContainerNotFound"],
    });
    assert_eq!(told, wanted, "{said}");
    assert!(!server.log().contains(&key), "a key is in the log");
}

/// An account made through Azure Resource Manager by the owner; answers its first key.
fn account(server: &Server, name: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let owner = Wire::sign_in(server).await;
        let located = json!({"location": "westeurope"});
        let account = format!("{}/providers/Microsoft.Storage/storageAccounts/{name}", owner.group());
        let group = format!("{}?api-version=2024-11-01", owner.group());
        assert_eq!(owner.ask(Method::PUT, &group, Some(&located)).await.status, 201);
        let made = owner.ask(Method::PUT, &format!("{account}?api-version=2025-06-01"), Some(&located)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let keys = format!("{account}/listKeys?api-version=2025-06-01");
        let keys = owner.ask(Method::POST, &keys, None).await.body;
        keys["keys"][0]["value"].as_str().unwrap().to_owned()
    })
}
