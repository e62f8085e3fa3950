//! Forms of a report as snapshots, and that none of them tells a secret.

use super::{Difference, Inspection, Report, Verdict};
use crate::contract::Contract;
use crate::facts::Facts;
use crate::findings::{Scene, all};
use crate::guest::Guest;
use crate::testing::{Files, debian};

fn report(files: &Files, contract: &str) -> Report {
    let guest = Guest::new(files);
    let mut facts = Facts::default();
    facts.add_linux(&guest, "2026-11-27");
    facts.settle_architecture();
    facts.root_count = 1;
    facts.boot.generations = vec![crate::facts::Generation::V2];
    facts.layout.table = "gpt".to_owned();
    facts.layout.size_bytes = 64 << 20;
    let contract: Contract = contract.parse().unwrap();
    let (checks, findings) = all(&Scene::new(Some(guest), &facts, &[], &contract));
    let inspection =
        Inspection { name: "debian.raw", today: "2026-11-27", contract, ..Inspection::default() };
    inspection.report(facts, checks, findings)
}

fn dirty() -> Files {
    debian()
        .file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .file("/etc/ssh/ssh_host_rsa_key", "not a key")
        .file("/etc/environment", "http_proxy=http://ci:Tr0ub4dor@proxy:3128\n")
}

#[test]
fn a_report_is_told_to_people() {
    insta::assert_snapshot!(report(&dirty(), "os-state=Generalized,os-type=Linux").table());
}

#[test]
fn a_report_round_trips_through_json() {
    let report = report(&dirty(), "os-state=Generalized");
    assert_eq!(report.verdict, Verdict::Refused);
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    assert!(!text.contains("Tr0ub4dor"), "a secret is in the report");
}

#[test]
fn packages_are_told_in_both_forms_of_a_bill_of_materials() {
    let status = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.22-1~deb12u2\n";
    let report = report(&debian().file("/var/lib/dpkg/status", status), "");
    insta::assert_json_snapshot!("cyclonedx", report.cyclonedx());
    insta::assert_json_snapshot!("spdx", report.spdx());
}

#[test]
fn findings_are_told_in_sarif() {
    let report = report(&dirty(), "");
    let sarif = report.sarif();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let secret = results.iter().find(|result| result["ruleId"] == "SEC-ADDRESS-PASSWORD").unwrap();
    insta::assert_json_snapshot!("sarif_result", secret);
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{}", result["ruleId"]);
    }
}

#[test]
fn two_reports_tell_what_changed() {
    let package = |name: &str, version: &str| {
        format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n")
    };
    let old = debian().file(
        "/var/lib/dpkg/status",
        [package("gone", "1"), package("raised", "1.9-1"), package("lowered", "2.0")].concat(),
    );
    let new = dirty()
        .file(
            "/var/lib/dpkg/status",
            [package("new", "1"), package("raised", "1.10-1"), package("lowered", "2.0~rc1")].concat(),
        )
        .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\n")
        .file(
            "/boot/grub/grub.cfg",
            "linux /boot/vmlinuz-6.1.0-48-cloud-amd64 root=UUID=1-2 ro console=tty0 quiet\n",
        );
    let difference = Difference::between(&report(&old, ""), &report(&new, ""));
    insta::assert_snapshot!(difference.table());
    assert!(Difference::between(&report(&old, ""), &report(&old, "")).is_empty());
}
