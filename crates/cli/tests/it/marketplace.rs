//! `gallerist marketplace`: a file and a gallery are listed, shown, and taken from the list again.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::server::Server;

impl Server {
    /// Writes a catalogue of one SKU beside the disks of the test and imports it.
    pub(crate) fn import_catalogue(&self, sku: &Value) -> Value {
        let offer = json!({"name": "linux", "skus": [sku]});
        let catalogue = json!({"publishers": [{"name": "Example", "offers": [offer]}]});
        let file = self.scratch("catalogue.json");
        std::fs::write(&file, catalogue.to_string()).unwrap();
        self.run_json(&["marketplace", "import", file.to_str().unwrap(), "--output", "json"])
    }

    fn listed(&self, below: &[&str]) -> Vec<String> {
        let arguments = [&["marketplace", "list", "--output", "json"], below].concat();
        let list = self.run_json(&arguments);
        let names = list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned());
        names.collect()
    }

    /// What a command says on standard error that must fail.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// A SKU of `count` versions that are descriptions alone.
fn described(count: usize) -> Value {
    let versions: Vec<Value> = (0..count).map(|number| json!({"name": format!("9.04.{number}")})).collect();
    json!({"name": "described", "osType": "Linux", "versions": versions})
}

const DESCRIBED: [&str; 6] = ["-p", "example", "-f", "linux", "-s", "described"];

#[test]
fn a_disk_of_a_catalogue_is_published_and_offered() {
    let server = Server::with_defaults();
    std::fs::write(server.scratch("disk.raw"), Chance::new(5).disk(8)).unwrap();
    let sku = json!({
        "name": "server", "osType": "Linux", "alias": "Own",
        "gallery": {"resourceGroup": "images", "gallery": "market", "targetRegions": ["eastus=1", "westeurope"]},
        "versions": [{"name": "22.04.7", "disk": {"file": "disk.raw", "format": "raw"}}],
    });
    for wanted in [json!([4, 0, 0]), json!([0, 0, 4])] {
        let counts = server.import_catalogue(&sku);
        assert_eq!(json!([counts["created"], counts["updated"], counts["unchanged"]]), wanted);
    }
    let place = ["-p", "EXAMPLE", "-f", "linux", "-s", "server"];
    assert_eq!(server.listed(&place), ["22.04.7"]);
    let shown = server.run(&[&["marketplace", "list"], &place[..]].concat());
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.trim_end().ends_with("/galleries/market/images/server/versions/22.4.7"), "{shown}");
    assert_eq!(server.run_json(&["verify", "--json"])["violations"], Value::Array(Vec::new()));
}

#[test]
fn a_large_catalogue_comes_in_pieces_and_counts_whole() {
    let server = Server::with_defaults();
    let counts =
        |counts: &Value| ["created", "updated", "unchanged"].map(|name| counts[name].as_u64().unwrap());
    // 3 of what it stands in, and more than one request takes.
    let first = server.import_catalogue(&described(999));
    assert_eq!(counts(&first), [3 + 999, 0, 0]);
    assert_eq!(counts(&server.import_catalogue(&described(1_000))), [1, 0, 3 + 999]);
    assert_eq!(server.listed(&DESCRIBED).len(), 1_000);
    let file = server.scratch("catalogue.json");
    let too_many = json!({"publishers": [{"name": "Example", "offers": [{"name": "linux", "skus": [described(1_001)]}]}]});
    std::fs::write(&file, too_many.to_string()).unwrap();
    let said = server.fails(&["marketplace", "import", file.to_str().unwrap()]);
    assert!(said.contains("QuotaExceeded") && said.contains("listed in part"), "{said}");

    let gone = server.run(&[&["marketplace", "remove", "--version", "9.04.5"], &DESCRIBED[..]].concat());
    assert!(gone.status.success());
    assert_eq!(server.listed(&DESCRIBED).len(), 999);
    assert!(server.run(&["marketplace", "remove", "-p", "Example"]).status.success());
    assert_eq!(server.listed(&[]), [""; 0]);
}

#[test]
fn a_gallery_is_listed_and_followed() {
    let server = Server::with_defaults();
    let file = server.scratch("disk.raw");
    std::fs::write(&file, Chance::new(6).disk(8)).unwrap();
    assert!(server.publish(&file, "raw", "1.0.0", &[]).output().unwrap().status.success());
    let import = ["marketplace", "import", "--from-gallery", "images/shelf", "--output", "json"];
    assert_eq!(server.run_json(&import)["created"], 3);
    assert_eq!(server.run_json(&[&import[..], &["--definition", "LINUX"]].concat())["unchanged"], 3);
    assert_eq!(server.listed(&["-p", "example", "-f", "linux"]), ["plain"]);
    let said = server.fails(&[&import[..], &["--definition", "other"]].concat());
    assert!(said.contains("has no definition 'other'"), "{said}");
    let said = server.fails(&["marketplace", "import", "--from-gallery", "images"]);
    assert!(said.contains("write GROUP/GALLERY"), "{said}");
    let said = server.fails(&["marketplace", "list", "-p", "nobody"]);
    assert!(said.contains("ResourceNotFound"), "{said}");
}

#[test]
fn a_slip_in_the_file_is_told_with_its_place() {
    let server = Server::with_defaults();
    let file = server.scratch("catalogue.json");
    std::fs::write(&file, "{\"publishers\": [\n  {\"name\": \"a:b\"}]}").unwrap();
    let said = server.fails(&["marketplace", "import", file.to_str().unwrap()]);
    assert!(said.contains("catalogue.json:2:17: 'a:b' is no name here"), "{said}");
    assert_eq!(server.listed(&[]), [""; 0]);
}
