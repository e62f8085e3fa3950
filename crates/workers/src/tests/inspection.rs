//! A version is published only if its bytes are what its definition says, as far as its contract cares.

use control::Method;
use metadata::Store;
use rstest::rstest;
use serde_json::{Value, json};

use super::crash::Plan;
use super::disk::Disk;
use super::world::{REGIONS, SUBSCRIPTION, World, definition, version, version_body};
use crate::Contracts;

const NEWEST: &str = "api-version=2026-11-01";

/// An installation that judges, as one does by default.
fn judging() -> World {
    World::with(|settings| settings.contracts = Contracts::Default)
}

fn contract(world: &World, properties: &Value) {
    let id = format!("{}/providers/Gallerist.Images/contracts/default", definition(SUBSCRIPTION));
    world.made(&id, &json!({ "properties": properties }));
}

fn report(world: &World, version: &str, below: &str, query: &str) -> (u16, Value) {
    let path = format!("{version}/providers/Gallerist.Images/inspectionReports/default{below}");
    let reply = world.ask(Method::Get, &path, &format!("{NEWEST}{query}"), &Value::Null);
    (reply.status, reply.body.unwrap_or_default())
}

/// What the operation of a PUT answered, once its job has run.
fn failure(world: &World, id: &str) -> Value {
    let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    let operation = row.operation.expect("an operation owns the version");
    world.run_due();
    match world.run(world.rows.job(operation)).unwrap().unwrap().state {
        metadata::JobState::Failed(error) => error,
        state => panic!("{state:?}"),
    }
}

#[test]
fn a_disk_without_a_system_is_refused_before_anything_is_replicated() {
    let world = judging();
    let id = world.ask_for_version("1.0.0", &Disk::new(1, 8), &REGIONS);
    let error = failure(&world, &id);
    assert_eq!(world.state(&id), "Failed");
    for name in ["northeurope", "eastus"] {
        assert_eq!(world.stored_bytes(name), 0, "{name}");
    }
    let (status, shown) = report(&world, &id, "", "");
    assert_eq!(status, 200, "{shown}");
    assert_eq!(shown["type"], "Gallerist.Images/inspectionReports");
    assert_eq!(shown["properties"]["verdict"], "refused");
    let codes: Vec<&str> = shown["properties"]["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"OS-TYPE") && codes.contains(&"BOOT-GEN"), "{codes:?}");
    assert_eq!(error["code"], "ImageContractMismatch", "{error}");
    let details: Vec<&str> =
        error["details"].as_array().unwrap().iter().map(|detail| detail["code"].as_str().unwrap()).collect();
    assert_eq!(details, codes);
}

#[test]
fn the_version_can_be_put_again_under_a_contract_that_only_warns() {
    let world = judging();
    let disk = Disk::new(1, 8);
    let id = world.ask_for_version("1.0.0", &disk, &REGIONS);
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    contract(&world, &json!({"mode": "Warn"}));
    world.made(&id, &version_body("1.0.0", &REGIONS));
    world.run_due();
    world.stands(&id, &disk, &REGIONS);
    let (_, shown) = report(&world, &id, "", "");
    assert_eq!(shown["properties"]["verdict"], "accepted", "{shown}");
    let findings = shown["properties"]["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["rule"] == "OS-TYPE" && finding["action"] == "warn"));
    // What stands is not judged again, however strict the contract becomes.
    contract(&world, &json!({"mode": "Default"}));
    world.made(&id, &version_body("1.0.0", &["westeurope", "northeurope"]));
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded");
    world.collect();
    world.is_clean();
}

#[rstest]
#[case::every_rule_that_refuses(json!({"rules": {"OS-TYPE": "warn", "BOOT-GEN": "ignore", "ARCH-MATCH": "warn"}}), "Succeeded")]
#[case::one_of_them(json!({"rules": {"BOOT-GEN": "ignore"}}), "Failed")]
#[case::waived(json!({"waivers": [
    {"rule": "OS-TYPE", "reason": "an appliance"}, {"rule": "BOOT-GEN", "reason": "boots by kernel", "expiresOn": "2999-01-01T00:00:00Z"}
]}), "Succeeded")]
#[case::waived_in_vain(json!({"waivers": [
    {"rule": "OS-TYPE", "reason": "an appliance"}, {"rule": "BOOT-GEN", "reason": "boots by kernel", "expiresOn": "1970-01-01T00:00:00Z"}
]}), "Failed")]
#[case::warned_rule_refuses(json!({"mode": "Default", "rules": {"OS-TYPE": "warn", "BOOT-GEN": "warn", "DSK-NO-TABLE": "refuse"}}), "Failed")]
fn what_follows_is_set_rule_by_rule(#[case] properties: Value, #[case] state: &str) {
    let world = judging();
    contract(&world, &properties);
    let id = world.ask_for_version("1.0.0", &Disk::new(1, 8), &["westeurope"]);
    world.run_due();
    assert_eq!(world.state(&id), state, "{:?}", report(&world, &id, "", "").1["properties"]["reasons"]);
}

#[test]
fn off_looks_at_nothing_and_leaves_no_report() {
    let world = judging();
    contract(&world, &json!({"mode": "Off"}));
    let id = world.publish("1.0.0", &Disk::new(1, 8), &REGIONS);
    let (status, shown) = report(&world, &id, "", "");
    assert_eq!((status, &shown["error"]["code"]), (404, &json!("InspectionReportNotFound")), "{shown}");
    let listed = world.ask(
        Method::Get,
        &format!("{id}/providers/Gallerist.Images/inspectionReports"),
        NEWEST,
        &Value::Null,
    );
    assert_eq!(listed.body.unwrap()["value"], json!([]));
}

#[test]
fn a_report_is_told_in_every_form_and_compared() {
    let world = World::with(|settings| settings.contracts = Contracts::Warn);
    let first = world.publish("1.0.0", &Disk::new(1, 8), &["westeurope"]);
    let second = world.publish("1.0.1", &Disk::new(2, 12), &["westeurope"]);
    let told = |below: &str, query: &str| report(&world, &second, below, query);
    assert_eq!(told("/sbom", "").1["specVersion"], "1.6");
    assert_eq!(told("/sbom", "&format=SPDX").1["spdxVersion"], "SPDX-2.3");
    assert_eq!(told("/sarif", "").1["version"], "2.1.0");
    assert_eq!(told("/sbom", "&format=xml").0, 400);
    assert_eq!(told("/poem", "").0, 404);
    for against in ["1.0.0", &first] {
        let (status, diff) = told("/diff", &format!("&against={against}"));
        assert_eq!(status, 200, "{diff}");
        assert_eq!(diff["properties"]["from"], json!(first));
        let facts = diff["properties"]["changes"]["facts"].as_array().unwrap();
        assert!(facts.iter().any(|change| change["name"] == "disk bytes"), "{diff}");
    }
    assert_eq!(told("/diff", "").0, 400);
    assert_eq!(told("/diff", "&against=9.9.9").0, 404);
    assert_eq!(told("/diff", "&against=a/b").0, 400);
    let listed =
        world.ask(Method::Get, second.trim_end_matches("/default"), "api-version=2024-03-03", &Value::Null);
    assert!(!listed.body.unwrap().to_string().contains("findings"));
}

#[test]
fn a_refusal_resumes_wherever_the_process_died() {
    Plan {
        about_to: || {
            let world = judging();
            let id = world.ask_for_version("1.0.0", &Disk::new(1, 8), &["westeurope", "eastus"]);
            (world, id)
        },
        is_done: |world, id| {
            assert_eq!(world.state(id), "Failed");
            assert_eq!(report(world, id, "", "").1["properties"]["verdict"], "refused");
        },
    }
    .resumes_wherever_the_process_died();
}

#[test]
fn a_warning_resumes_wherever_the_process_died() {
    Plan {
        about_to: || {
            let world = World::with(|settings| settings.contracts = Contracts::Warn);
            let id = world.ask_for_version("1.0.0", &Disk::new(1, 8), &["westeurope", "eastus"]);
            (world, id)
        },
        is_done: |world, id| {
            world.stands(id, &Disk::new(1, 8), &["westeurope", "eastus"]);
            assert_eq!(report(world, id, "", "").0, 200);
        },
    }
    .resumes_wherever_the_process_died();
}

#[test]
fn reports_go_with_their_version() {
    let world = World::with(|settings| settings.contracts = Contracts::Warn);
    let id = world.publish("1.0.0", &Disk::new(1, 8), &["westeurope"]);
    world.delete(&id);
    assert_eq!(report(&world, &version("1.0.0"), "", "").0, 404);
}
