//! `az sig image-version create` of a disk that is not what its definition says: the findings are in what az prints.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Az;
use crate::clients::blob::BlobServer;
use crate::clients::disk::convert;
use crate::inspect::{RELEASE, disk, places};
use crate::server::{Server, Start};

const SHELF: &str = "-g images -r shelf -i linux";
const REPORT: &str =
    "/galleries/shelf/images/linux/versions/1.0.0/providers/Gallerist.Images/inspectionReports/default";

/// Secrets of a machine that was used, as a contract must never tell them.
struct Canaries {
    files: Vec<(&'static str, String)>,
    values: Vec<String>,
}

impl Canaries {
    /// Assembled here, so that no scanner trips over this file.
    fn plant() -> Self {
        let body = "Q0FOQVJZLUtFWS1CT0RZ".repeat(8);
        let private = format!("-----BEGIN {0} KEY-----\n{body}\n-----END {0} KEY-----\n", "PRIVATE");
        let access = format!("AKIA{}", "CANARYCANARY2345");
        let secret = format!("{}ANARY/secret+access/key0123456789abcde", "C");
        let hash = format!("$6$salt$CANARY{}", "h4sh".repeat(20));
        let token = format!("ghp_{}", "CANARYtoken0123456789abcdefghijKLMN1");
        let signature = format!("sig=CANARY{}%3D", "s1gnature".repeat(4));
        let files = vec![
            ("etc/machine-id", "0123456789abcdef0123456789abcdef\n".to_owned()),
            ("etc/ssh/ssh_host_ed25519_key", private.clone()),
            ("etc/shadow", format!("root:{hash}:19000:0:99999:7:::\n")),
            (
                "root/.aws/credentials",
                format!("[default]\naws_access_key_id={access}\naws_secret_access_key={secret}\n"),
            ),
            ("root/.bash_history", format!("curl -H 'Authorization: token {token}' https://api.example\n")),
            (
                "root/app.env",
                format!(
                    "URL=https://a.blob.core.windows.net/c/b?sv=2024-01-01&{signature}\nGITHUB_TOKEN={token}\n"
                ),
            ),
            ("opt/app/server.key", private),
        ];
        Self { files, values: vec![body, access, secret, hash, token, signature] }
    }

    /// Nor in another writing of the same.
    fn are_not_in(&self, what: &str, bytes: &[u8]) {
        for value in &self.values {
            let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
            for form in [value.clone(), hex, base64(value.as_bytes())] {
                let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
                assert!(!found, "a planted secret is in {what}: {form}");
            }
        }
    }
}

/// Without padding: what a longer text begins with too.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|three| {
            let number = three.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
            [18, 12, 6, 0].map(|shift| char::from(DIGITS[number >> shift & 63]))
        })
        .collect()
}

#[test]
fn az_is_told_what_an_image_breaks_and_may_be_let_through() {
    let (folder, canaries) = (TempDir::new().unwrap(), Canaries::plant());
    let mut files: Vec<(&str, &str)> = vec![RELEASE];
    files.extend(canaries.files.iter().map(|(path, text)| (*path, text.as_str())));
    let raw = disk(&folder, "clone", &files);
    let vhd = folder.path().join("clone.vhd");
    convert("raw", &raw, &["-O", "vpc", "-o", "subformat=fixed,force_size=on"], &vhd);
    let blob = BlobServer::serve(std::fs::read(vhd).unwrap());
    let config = format!("{}\n[inspection]\ncontracts = \"default\"\n", blob.config());
    let az = Az::sign_in(Server::start(Start { config, log: "debug".to_owned() }));
    az.json("group create -n images -l westeurope");
    az.json("sig create -g images -r shelf");
    az.json(&format!("sig image-definition create {SHELF} --publisher p --offer o --sku s --os-type Linux --os-state Generalized --hyper-v-generation V2"));
    let account = "{group}/providers/Microsoft.Storage/storageAccounts/disks";
    let create = format!(
        "sig image-version create {SHELF} -e 1.0.0 --os-vhd-uri {} --os-vhd-storage-account {account} --target-regions westeurope eastus",
        blob.uri()
    );

    let said = az.run(&create);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    for words in
        ["(ImageContractMismatch)", "(OS-STATE)", "(BOOT-GEN)", "/etc/ssh/ssh_host_ed25519_key", "no GPT"]
    {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    canaries.are_not_in("what az printed", said.err.as_bytes());
    let read = |below: &str| {
        az.json(&format!("rest -m get -u {{url}}{{group}}/providers/Microsoft.Compute{REPORT}{below}"))
    };
    let report = read("?api-version=2026-11-01");
    assert_eq!(report["properties"]["verdict"], "refused");
    assert!(places(&report["properties"], "SEC-PRIVATE-KEY").contains(&"/opt/app/server.key"), "{report}");

    let contract = "{url}{group}/providers/Microsoft.Compute/galleries/shelf/images/linux/providers/Gallerist.Images/contracts/default?api-version=2026-11-01";
    az.json(&format!("rest -m put -u {contract} --body '{{\"properties\":{{\"mode\":\"Warn\"}}}}'"));
    let made = az.json(&create);
    assert_eq!(made["provisioningState"], "Succeeded", "{made}");
    let report = read("?api-version=2026-11-01");
    assert_eq!(report["properties"]["verdict"], "accepted");
    let warned = |rule: &str| {
        let findings = report["properties"]["findings"].as_array().unwrap();
        findings.iter().any(|finding| finding["rule"] == rule && finding["action"] == "warn")
    };
    assert!(warned("OS-STATE") && warned("BOOT-GEN") && warned("SEC-PRIVATE-KEY"), "{report}");

    for below in ["", "/sbom", "/sarif"] {
        let document = read(&format!("{below}?api-version=2026-11-01"));
        canaries.are_not_in(below, document.to_string().as_bytes());
    }
    told_by_the_program(&az, &canaries);
    canaries.are_not_in("the log", az.server.log().as_bytes());
    nothing_is_in_the_rows(&az, &canaries);
}

fn told_by_the_program(az: &Az, canaries: &Canaries) {
    for form in ["table", "json", "sbom", "spdx", "sarif"] {
        let arguments =
            ["report", "-g", "images", "-r", "shelf", "-i", "linux", "--version", "1.0.0", "--output", form];
        let output = az.server.command(&arguments).output().unwrap();
        assert!(output.status.success(), "{form}: {}", String::from_utf8_lossy(&output.stderr));
        if form == "table" {
            assert!(String::from_utf8_lossy(&output.stdout).contains("SEC-PRIVATE-KEY"));
        } else {
            assert_ne!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), json!({}));
        }
        canaries.are_not_in(form, &output.stdout);
    }
}

/// Database and journal, as they lie on the disk of the server.
fn nothing_is_in_the_rows(az: &Az, canaries: &Canaries) {
    let mut seen = 0;
    for entry in std::fs::read_dir(az.server.data()).unwrap() {
        let path = entry.unwrap().path();
        if is_of_the_database(&path) {
            canaries.are_not_in("the database", &std::fs::read(path).unwrap());
            seen += 1;
        }
    }
    assert!(seen > 0, "there is no database");
}

fn is_of_the_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("gallerist.db"))
}
