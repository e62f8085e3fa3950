//! Applications, scripts and access rules: their bytes are in every target region, and go with them.

use control::Method;
use metadata::{JobState, Store};
use rstest::rstest;
use serde_json::{Value, json};

use super::rows::Fate;
use super::web::{Manner, Web};
use super::world::{REGIONS, SUBSCRIPTION, World, gallery};

const LATER_SECONDS: i64 = 3600;

fn world() -> World {
    World::with(|settings| settings.source.allow = vec!["127.0.0.1".parse().unwrap()])
}

fn child(path: &str) -> String {
    format!("{}/{path}", gallery(SUBSCRIPTION))
}

/// Bytes of no round length.
fn package() -> Vec<u8> {
    (0..70_001_u32).map(|number| number.to_le_bytes()[0] ^ number.to_le_bytes()[1]).collect()
}

fn regions() -> Value {
    REGIONS.map(|name| json!({ "name": name })).to_vec().into()
}

/// Asks for a version of an application whose package and configuration are at `url`.
fn ask_for_application(world: &World, url: &str) -> String {
    world.made(
        &child("applications/a"),
        &json!({"location": "westeurope", "properties": {"supportedOSType": "Linux"}}),
    );
    let id = child("applications/a/versions/1.0.0");
    let profile = json!({
        "source": {"mediaLink": url, "defaultConfigurationLink": url},
        "manageActions": {"install": "in", "remove": "out"}, "targetRegions": regions(),
    });
    world.made(&id, &json!({"location": "westeurope", "properties": {"publishingProfile": profile}}));
    id
}

fn row(world: &World, id: &str) -> metadata::Row {
    world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap()
}

/// The file called `name` of a version, as it lies in each region.
fn files(world: &World, id: &str, name: &str) -> Vec<Vec<u8>> {
    let internal = row(world, id).document["internal"].clone();
    let files = internal["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["name"] == name).unwrap();
    let offset = file["offset"].as_u64().unwrap();
    let length = usize::try_from(file["sizeBytes"].as_u64().unwrap()).unwrap();
    let root = internal["root"].as_str().unwrap().parse().unwrap();
    let size_bytes = internal["sizeBytes"].as_u64().unwrap();
    let read = |region: &str| {
        let mut bytes = vec![0; length];
        world.store(region).image(root, size_bytes).unwrap().read(offset, &mut bytes).unwrap();
        bytes
    };
    REGIONS.map(read).to_vec()
}

fn is_published(world: &World, id: &str) {
    assert_eq!(world.state(id), "Succeeded");
    for name in ["package", "configuration"] {
        assert_eq!(files(world, id, name), vec![package(); 3], "{name}");
    }
    let stored = row(world, id).document;
    assert!(!stored.to_string().contains("canary") && stored["internal"].get("source").is_none(), "{stored}");
    world.collect();
    world.is_clean();
    assert_eq!(files(world, id, "package"), vec![package(); 3]);
}

#[test]
fn a_package_is_in_every_region_and_goes_with_its_version() {
    let world = world();
    let web = world.run(Web::serve(package(), Manner::Honest));
    let id = ask_for_application(&world, &web.url());
    let stored = row(&world, &id).document;
    assert!(!stored.to_string().contains("canary"), "{stored}");
    world.run_due();
    is_published(&world, &id);
    let shown = world.ask(Method::Get, &id, "api-version=2024-03-03&$expand=ReplicationStatus", &Value::Null);
    let shown = shown.body.unwrap();
    assert_eq!(shown["properties"]["replicationStatus"]["aggregatedState"], "Completed");
    assert!(!shown.to_string().contains("canary"), "{shown}");
    world.delete(&id);
    world.collect();
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), [0; 3]);
    world.is_clean();
}

#[test]
fn a_region_that_is_added_gets_the_package_without_the_source() {
    let world = world();
    let web = world.run(Web::serve(package(), Manner::Honest));
    let id = ask_for_application(&world, &web.url());
    let fewer = |names: &[&str]| {
        let regions: Value = names.iter().map(|name| json!({ "name": name })).collect();
        let safety = json!({"allowDeletionOfReplicatedLocations": true});
        json!({"location": "westeurope", "properties": {"publishingProfile": {"targetRegions": regions}, "safetyProfile": safety}})
    };
    world.run_due();
    world.made(&id, &fewer(&["westeurope"]));
    world.run_due();
    world.collect();
    assert_eq!(world.stored_bytes("eastus"), 0);
    drop(web);
    world.made(&id, &fewer(&REGIONS));
    world.run_due();
    is_published(&world, &id);
}

#[rstest]
#[case(Manner::Denies, "denied")]
#[case(Manner::Missing, "nothing at this address")]
#[case(Manner::Redirects, "redirects")]
fn a_package_that_cannot_be_fetched_fails_its_version_and_can_be_put_again(
    #[case] manner: Manner,
    #[case] words: &str,
) {
    let world = world();
    let web = world.run(Web::serve(package(), manner));
    let id = ask_for_application(&world, &web.url());
    let job = row(&world, &id).operation.unwrap();
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    let JobState::Failed(error) = world.run(world.rows.job(job)).unwrap().unwrap().state else {
        panic!("{words}")
    };
    assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
    world.collect();
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), [0; 3]);
    world.is_clean();
}

#[test]
fn a_publish_of_a_package_resumes_wherever_the_process_died() {
    let calls = {
        let world = world();
        let web = world.run(Web::serve(package(), Manner::Honest));
        ask_for_application(&world, &web.url());
        world.rows.arm(None);
        assert_eq!(world.run_due(), 1);
        world.rows.count()
    };
    assert!(calls > 10, "{calls}");
    for at in 0..calls {
        for fate in [Fate::DiesBefore, Fate::DiesAfter] {
            let mut world = world();
            let web = world.run(Web::serve(package(), Manner::Honest));
            let id = ask_for_application(&world, &web.url());
            world.rows.arm(Some((at, fate)));
            world.run(async {
                tokio::select! {
                    _ = world.life().workers.run_due() => {},
                    () = world.rows.died() => {},
                }
            });
            world.restart();
            world.collect();
            world.clock.advance(LATER_SECONDS);
            world.run_due();
            is_published(&world, &id);
        }
    }
}

#[test]
fn rules_are_a_document_in_every_region_and_change_there_too() {
    let world = world();
    let profile = json!({"osType": "Linux", "applicableHostEndpoint": "IMDS"});
    world.made(
        &child("inVMAccessControlProfiles/p"),
        &json!({"location": "westeurope", "properties": profile}),
    );
    world.run_due();
    let id = child("inVMAccessControlProfiles/p/versions/1.0.0");
    for mode in ["Audit", "Enforce"] {
        let properties = json!({"mode": mode, "defaultAccess": "Deny", "targetLocations": regions()});
        world.made(&id, &json!({"location": "westeurope", "properties": properties}));
        world.run_due();
        assert_eq!(world.state(&id), "Succeeded");
        for document in files(&world, &id, "rules") {
            let document: Value = serde_json::from_slice(&document).unwrap();
            assert_eq!(document, json!({"mode": mode, "defaultAccess": "Deny"}));
        }
        world.collect();
        world.is_clean();
        assert_eq!(row(&world, &id).holds.len(), REGIONS.len());
    }
}

#[test]
fn a_region_that_fails_heals_by_itself() {
    let world = world();
    let web = world.run(Web::serve(package(), Manner::Honest));
    let id = ask_for_application(&world, &web.url());
    world.faults.break_region("eastus");
    world.run_due();
    assert_eq!(world.state(&id), "Failed");
    // What is not there yet is no damage, and what is there is read.
    world.is_clean();
    assert_eq!(world.verify().replica_count, 2);
    world.faults.mend_region("eastus");
    world.clock.advance(LATER_SECONDS);
    world.run_due();
    is_published(&world, &id);
}
