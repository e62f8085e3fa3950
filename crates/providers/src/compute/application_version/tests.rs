//! Every rule of application versions as a table of bodies and answers.

#![expect(clippy::needless_pass_by_value, reason = "cases read best as the values they are")]

use rstest::rstest;
use serde_json::{Value, json};

use super::ApplicationVersion;
use crate::shape::merge;
use crate::testing::{Scene, check_refusal, compute};
use crate::{ResourceType, State};

const PACKAGE: &str = "https://acc.blob.core.windows.net/apps/tool.zip";
const SIGNED: &str = "https://acc.blob.core.windows.net/apps/tool.zip?sv=2026&sig=canary";

fn version() -> Scene {
    Scene::new(&ApplicationVersion, &compute("galleries/g/applications/app/versions/1.0.0"))
}

fn body(profile: Value) -> Value {
    let least = json!({"source": {"mediaLink": SIGNED}, "manageActions": {"install": "in", "remove": "out"}});
    let profile = merge(least.as_object().unwrap(), profile.as_object().unwrap().clone());
    json!({"publishingProfile": profile})
}

#[test]
fn a_new_version_is_answered_whole_and_without_signatures() {
    let asked = body(
        json!({"source": {"mediaLink": SIGNED, "defaultConfigurationLink": "https://x.example/c?sig=canary"}}),
    );
    let accepted = version().put(asked).unwrap();
    assert_eq!(
        Value::Object(accepted.properties),
        json!({
            "publishingProfile": {
                "targetRegions": [{"name": "West Europe", "regionalReplicaCount": 1, "storageAccountType": "Standard_LRS"}],
                "replicaCount": 1, "excludeFromLatest": false, "storageAccountType": "Standard_LRS",
                "publishedDate": "2027-01-01T00:00:00+00:00", "enableHealthCheck": false,
                "source": {"mediaLink": PACKAGE, "defaultConfigurationLink": "https://x.example/c"},
                "manageActions": {"install": "in", "remove": "out"},
            },
            "safetyProfile": {"allowDeletionOfReplicatedLocations": false},
        })
    );
    assert_eq!(accepted.work.unwrap().kind, "artifact_version.publish");
    assert_eq!(
        accepted.internal.unwrap()["source"],
        json!([
            {"name": "package", "address": PACKAGE, "secret": SIGNED},
            {"name": "configuration", "address": "https://x.example/c", "secret": "https://x.example/c?sig=canary"},
        ])
    );
}

#[rstest]
#[case::no_package(json!({"source": {}}), "source.mediaLink", "missing")]
#[case::no_removal(json!({"manageActions": {"install": "in", "remove": ""}}), "manageActions.remove", "missing")]
#[case::a_path(json!({"source": {"mediaLink": "/etc/passwd"}}), "source.mediaLink", "absolute http or https")]
#[case::a_user(json!({"source": {"mediaLink": "https://u@h/x?sig=canary"}}), "source.mediaLink", "without a user name")]
#[case::a_hidden_host(json!({"source": {"mediaLink": "http://0x7f.1/x"}}), "source.mediaLink", "invalid")]
#[case::configuration(json!({"source": {"mediaLink": SIGNED, "defaultConfigurationLink": "file:///x"}}), "source.defaultConfigurationLink", "invalid")]
#[case::past(json!({"endOfLifeDate": "2020-01-01"}), "endOfLifeDate", "future")]
#[case::another_region(json!({"targetRegions": [{"name": "eastus2"}]}), "targetRegions", "must contain the location of application version")]
#[case::no_such_region(json!({"targetRegions": [{"name": "westeurope"}, {"name": "nowhere"}]}), "targetRegions", "is not available")]
#[case::twice(json!({"targetRegions": [{"name": "westeurope"}, {"name": "West Europe"}]}), "targetRegions", "Duplicate regions")]
#[case::actions(json!({"customActions": [{"name": "x"}]}), "customActions[0].script", "missing")]
fn what_a_version_may_not_be(#[case] profile: Value, #[case] path: &str, #[case] words: &str) {
    let least = json!({"source": {"mediaLink": SIGNED}, "manageActions": {"install": "in", "remove": "out"}});
    let mut asked = least.as_object().unwrap().clone();
    asked.extend(profile.as_object().unwrap().clone());
    let target = format!("galleryApplicationVersion.properties.publishingProfile.{path}");
    let refusal = version().put(json!({"publishingProfile": asked})).unwrap_err();
    check_refusal(&refusal, "InvalidParameter", &target, words);
    assert!(!refusal.to_string().contains("canary"), "{refusal}");
}

#[test]
fn edge_zones_are_refused() {
    let zones = json!({"targetExtendedLocations": [{"name": "westeurope"}]});
    let target = "galleryApplicationVersion.properties.publishingProfile.targetExtendedLocations";
    version().check_refused(body(zones), "NotImplemented", target, "edge zones");
}

#[rstest]
#[case(json!({"source": {"mediaLink": "https://acc.blob.core.windows.net/apps/other.zip"}}), "source.mediaLink")]
#[case(json!({"source": {"mediaLink": PACKAGE, "defaultConfigurationLink": "https://x.example/c"}}), "source.defaultConfigurationLink")]
#[case(json!({"manageActions": {"install": "other"}}), "manageActions.install")]
#[case(json!({"settings": {"packageFileName": "x"}}), "settings")]
fn what_is_installed_stays_the_same(#[case] profile: Value, #[case] path: &str) {
    let scene = version().after(body(json!({})));
    let target = format!("galleryApplicationVersion.properties.publishingProfile.{path}");
    scene.check_refused(
        json!({"publishingProfile": profile}),
        "PropertyChangeNotAllowed",
        &target,
        "not allowed",
    );
}

#[test]
fn an_update_moves_it_and_keeps_what_it_does_not_say() {
    let scene = version().after(body(json!({"enableHealthCheck": true})));
    let regions =
        json!({"targetRegions": [{"name": "westeurope"}, {"name": "eastus2", "regionalReplicaCount": 2}]});
    let accepted = scene.put(json!({"publishingProfile": regions})).unwrap();
    assert_eq!(accepted.work.as_ref().unwrap().kind, "artifact_version.publish");
    assert_eq!(accepted.internal, None);
    let profile = &accepted.properties["publishingProfile"];
    assert_eq!(profile["source"]["mediaLink"], PACKAGE);
    assert_eq!(profile["enableHealthCheck"], true);
    assert_eq!(profile["targetRegions"][1]["name"], "East US 2");
    let scene = scene.standing(accepted, State::Succeeded);
    let lost = json!({"publishingProfile": {"targetRegions": [{"name": "westeurope"}]}});
    let target = "galleryApplicationVersion.properties.publishingProfile.targetRegions";
    scene.check_refused(lost.clone(), "BadRequest", target, "Missing locations: 'East US 2'");
    let mut agreed = lost;
    agreed["safetyProfile"] = json!({"allowDeletionOfReplicatedLocations": true});
    assert!(scene.put(agreed).unwrap().work.is_some());
}

#[test]
fn a_failed_version_is_tried_again_with_the_signature_it_is_put_with() {
    let accepted = version().put(body(json!({}))).unwrap();
    let scene = version().standing(accepted, State::Failed);
    let again = format!("{PACKAGE}?sig=fresh");
    let accepted = scene.put(body(json!({"source": {"mediaLink": again}}))).unwrap();
    assert!(accepted.work.is_some());
    assert_eq!(accepted.internal.unwrap()["source"][0]["secret"], again);
    // As it is shown: what was said first is tried again.
    let accepted = scene.put(body(json!({"source": {"mediaLink": PACKAGE}}))).unwrap();
    assert!(accepted.work.is_some());
    assert_eq!(accepted.internal, None);
}

#[test]
fn versions_are_ordered_by_number_and_tell_how_far_their_copies_are() {
    assert!(ApplicationVersion.sort_key("1.0.10") > ApplicationVersion.sort_key("1.0.2"));
    check_refusal(
        &ApplicationVersion.check_name("latest").unwrap_err(),
        "InvalidParameter",
        "galleryApplicationVersion.name",
        "",
    );
    let scene = version().after(body(json!({})));
    let facets = [("replica/westeurope".to_owned(), json!({"state": "Completed"}))];
    let shown = scene.get(Some("replicationStatus"), &facets);
    assert_eq!(shown["replicationStatus"]["aggregatedState"], "Completed");
    assert_eq!(shown["replicationStatus"]["summary"][0]["region"], "West Europe");
    assert_eq!(scene.get(None, &facets).get("replicationStatus"), None);
}
