//! The Python and the JavaScript SDK: one story, told by `tests/clients/gallery.{py,cjs}`, with the same answers.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::disk::write_raw;
use super::prepared;
use crate::server::Server;

/// Where the scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

#[test]
fn the_python_sdk_leads_a_gallery_through_its_life() {
    let mut python = Command::new(prepared("GALLERIST_PYTHON"));
    python.arg(format!("{SCRIPTS}/gallery.py"));
    check(python);
}

#[test]
fn the_javascript_sdk_leads_a_gallery_through_its_life() {
    let mut node = Command::new("node");
    node.arg(format!("{SCRIPTS}/gallery.cjs")).env("NODE_PATH", prepared("GALLERIST_NODE_MODULES"));
    check(node);
}

fn check(mut script: Command) {
    let server = Server::with_defaults();
    let disk = server.scratch("disk.raw");
    write_raw(&disk, 16 << 20, 5);
    let published = server.publish(&disk, "raw", "1.0.0", &[]).output().unwrap();
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    let source = serde_json::from_slice::<Value>(&published.stdout).unwrap()["id"].clone();

    let connection = server.connection();
    script
        .env("AZURE_AUTHORITY_HOST", connection.arm_endpoint.as_str())
        // The authority's own name for "whoever is here": no further setting is needed.
        .env("AZURE_TENANT_ID", "adfs")
        .env("AZURE_CLIENT_ID", connection.client_id.to_string())
        .env("AZURE_CLIENT_SECRET", connection.client_secret.expose())
        .env("AZURE_SUBSCRIPTION_ID", connection.subscription_id.to_string())
        .env("GALLERY_TENANT_ID", connection.tenant_id.to_string())
        .env("SOURCE_VERSION", source.as_str().unwrap())
        .env("REQUESTS_CA_BUNDLE", &connection.ca_file)
        .env("NODE_EXTRA_CA_CERTS", &connection.ca_file)
        .env("HOME", server.scratch("home"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null());
    let output = script.output().expect("the interpreter is installed (./x test sees to it)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", server.log());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let wanted = story(&connection.subscription_id.to_string());
    let (Value::Object(told), Value::Object(wanted)) = (told, wanted) else { panic!("both are objects") };
    for (step, wanted) in &wanted {
        assert_eq!(told.get(step), Some(wanted), "{step}\n{said}");
    }
    assert_eq!(told.len(), wanted.len());
}

/// What each step must have said.
fn story(subscription: &str) -> Value {
    let identifier = json!({"publisher": "Example", "offer": "Debian", "sku": "12"});
    json!({
        "gallery made": {"name": "sdk", "location": "westeurope", "tags": {"team": "os"}, "description": "Ours", "provisioningState": "Succeeded"},
        "gallery shown": {"name": "sdk", "description": "Ours", "identifier": {"uniqueName": format!("{subscription}-SDK")}},
        "galleries of the group": ["sdk", "shelf"],
        "galleries": ["sdk", "shelf"],
        "gallery changed": {"tags": {"stage": "test"}, "description": "Theirs", "provisioningState": "Succeeded"},
        "definition made": {
            "name": "debian", "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64",
            "identifier": identifier, "recommended": {"vCPUs": {"min": 1, "max": 4}},
            "disallowed": {"diskTypes": ["Standard_LRS"]},
            // What clients of these api-versions expect to be added.
            "features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}],
            "provisioningState": "Succeeded",
        },
        "definition shown": {"name": "debian", "identifier": identifier},
        "definitions": ["debian"],
        "definition changed": {"tags": {"stage": "test"}, "description": "For servers", "osType": "Linux"},
        "another system": [400, "PropertyChangeNotAllowed"],
        "a taken identifier": [409, "Conflict"],
        "a definition in no gallery": [404, "ParentResourceNotFound"],
        "version made": {"name": "1.0.0", "provisioningState": "Succeeded"},
        "replicas": ["Completed", [["East US", "Completed", 100], ["West Europe", "Completed", 100]]],
        "version changed": [{"stage": "test"}, true, [["West Europe", 2], ["East US", 1]]],
        "versions": ["1.0.0"],
        "no version's name": [400, "InvalidParameter"],
        "not at home": [400, "InvalidParameter"],
        "a full gallery": [409, "CannotDeleteResource"],
        "a deleted version": [404, "ResourceNotFound"],
        "a deleted definition": [404, "ResourceNotFound"],
        "a deleted gallery": [404, "ResourceNotFound"],
        "signed in by secret": ["shelf"],
        "a wrong secret": true,
    })
}
