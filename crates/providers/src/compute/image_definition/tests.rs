//! Every rule of image definitions as a table of bodies and answers.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::ImageDefinition;
use crate::ResourceType;
use crate::shape::merge;
use crate::testing::{Scene, check_refusal, compute};

fn definition() -> Scene {
    Scene::new(&ImageDefinition, &compute("galleries/g/images/Ubuntu-24"))
}

/// The least that a definition needs, and `more`.
fn body(more: Value) -> Value {
    let least = json!({"osType": "Linux", "osState": "Generalized", "identifier": {"publisher": "p", "offer": "o", "sku": "s"}});
    let Value::Object(more) = more else { panic!("an object") };
    Value::Object(merge(least.as_object().unwrap(), more))
}

#[test]
fn a_new_definition_is_answered_whole() {
    let accepted = definition()
        .put(json!({
            "OsType": "windows", "osstate": "GENERALIZED", "hyperVGeneration": "v2", "architecture": "X64",
            "identifier": {"Publisher": "Contoso", "offer": "Server.2025", "sku": "core_x-1"},
            "description": "d", "eula": "e", "privacyStatementUri": "https://p", "releaseNoteUri": "https://r",
            "endOfLifeDate": "2030-01-01T12:59:59Z",
            "recommended": {"vCPUs": {"min": 1, "max": 4}, "memory": {"min": 2, "max": 2}},
            "disallowed": {"diskTypes": ["standard_lrs", "UltraSSD_LRS"]},
            "purchasePlan": {"name": "n", "publisher": "pp", "product": "pr"},
            "features": [
                {"name": "securitytype", "value": "ConfidentialVm"},
                {"name": "IsAcceleratedNetworkSupported", "value": "true"},
                {"name": "DiskControllerTypes", "value": "scsi,nvme"},
                {"name": "IsHibernateSupported", "value": "FALSE", "startsAtVersion": "2.0.0"},
            ],
            "allowUpdateImage": true, "provisioningState": "Succeeded", "unknown": {},
        }))
        .unwrap();
    insta::assert_json_snapshot!(Value::Object(accepted.properties));
    assert_eq!(
        accepted.claims,
        [format!("{}/identifier/contoso/server.2025/core_x-1", compute("galleries/g").to_lowercase())]
    );
    assert_eq!(accepted.work, None);
}

#[rstest]
#[case::no_os_type(json!({"osState": "Generalized", "identifier": {"publisher": "p", "offer": "o", "sku": "s"}}), "osType", "Required parameter")]
#[case::no_os_state(json!({"osType": "Linux", "identifier": {"publisher": "p", "offer": "o", "sku": "s"}}), "osState", "Required parameter")]
#[case::no_identifier(json!({"osType": "Linux", "osState": "Generalized"}), "identifier", "Required parameter")]
#[case::half_an_identifier(json!({"osType": "Linux", "osState": "Generalized", "identifier": {"publisher": "p", "offer": ""}}), "identifier.offer", "Required parameter")]
#[case::foreign_os(body(json!({"osType": "BeOS"})), "osType", "Allowed values are: Windows, Linux")]
#[case::generation_3(body(json!({"hyperVGeneration": "V3"})), "hyperVGeneration", "Allowed values are: V1, V2")]
#[case::strange_publisher(body(json!({"identifier": {"publisher": "a b"}})), "identifier.publisher", "Asset name galleryImage.properties.identifier.publisher is not valid")]
#[case::trailing_period(body(json!({"identifier": {"offer": "o."}})), "identifier.offer", "may not end with '.'")]
#[case::long_publisher(body(json!({"identifier": {"publisher": "p".repeat(129)}})), "identifier.publisher", "length cannot exceed 128")]
#[case::long_sku(body(json!({"identifier": {"sku": "s".repeat(65)}})), "identifier.sku", "length cannot exceed 64")]
#[case::cpu_range(body(json!({"recommended": {"vCPUs": {"min": 4, "max": 2}}})), "recommended.vCPUs", "must not be greater than the maximum")]
#[case::memory_range(body(json!({"recommended": {"memory": {"min": 4, "max": 2}}})), "recommended.memory", "must not be greater than the maximum")]
#[case::negative_cpus(body(json!({"recommended": {"vCPUs": {"min": -1}}})), "recommended.vCPUs.min", "out of range")]
#[case::past_end(body(json!({"endOfLifeDate": "2020-01-01"})), "endOfLifeDate", "must be set to a future date")]
#[case::no_date(body(json!({"endOfLifeDate": "soon"})), "endOfLifeDate", "DateTimeOffset: soon. Path 'properties.endOfLifeDate'")]
#[case::arm_of_generation_1(body(json!({"architecture": "arm64", "hyperVGeneration": "V1"})), "architecture", "'Arm64'")]
#[case::trust_in_generation_1(body(json!({"hyperVGeneration": "V1", "features": [{"name": "SecurityType", "value": "TrustedLaunch"}]})), "features", "'TrustedLaunch'")]
#[case::foreign_disk(body(json!({"disallowed": {"diskTypes": ["Tape"]}})), "disallowed.diskTypes[0]", "Allowed values")]
#[case::foreign_feature(body(json!({"features": [{"name": "SecurtyType", "value": "x"}]})), "features[0].name", "Allowed values are: SecurityType")]
#[case::foreign_security(body(json!({"features": [{"name": "SecurityType", "value": "Safe"}]})), "features[0].value", "TrustedLaunchSupported")]
#[case::foreign_switch(body(json!({"features": [{"name": "IsHibernateSupported", "value": "yes"}]})), "features[0].value", "True, False")]
#[case::foreign_controller(body(json!({"features": [{"name": "DiskControllerTypes", "value": "SCSI, IDE"}]})), "features[0].value", "SCSI, NVMe")]
#[case::controller_twice(body(json!({"features": [{"name": "DiskControllerTypes", "value": "SCSI,scsi"}]})), "features[0].value", "SCSI, NVMe")]
#[case::no_feature_name(body(json!({"features": [{"value": "x"}]})), "features[0].name", "Required parameter")]
#[case::no_feature_value(body(json!({"features": [{"name": "SecurityType"}]})), "features[0].value", "Required parameter")]
#[case::feature_twice(body(json!({"features": [{"name": "IsHibernateSupported", "value": "True"}, {"name": "ishibernatesupported", "value": "False"}]})), "features", "more than once")]
#[case::foreign_start(body(json!({"features": [{"name": "IsHibernateSupported", "value": "True", "startsAtVersion": "2"}]})), "features[0].startsAtVersion", "Major(int).Minor(int).Patch(int)")]
fn what_a_definition_may_not_be(#[case] body: Value, #[case] member: &str, #[case] words: &str) {
    definition().check_refused(body, "InvalidParameter", &format!("galleryImage.properties.{member}"), words);
}

#[rstest]
#[case("osType", json!({"osType": "Windows"}))]
#[case("osState", json!({"osState": "Specialized"}))]
#[case("hyperVGeneration", json!({"hyperVGeneration": "V1"}))]
#[case("architecture", json!({"architecture": "Arm64"}))]
#[case("identifier.publisher", json!({"identifier": {"publisher": "x"}}))]
#[case("identifier.offer", json!({"identifier": {"offer": "x"}}))]
#[case("identifier.sku", json!({"identifier": {"sku": "x"}}))]
#[case("purchasePlan", json!({"purchasePlan": {"name": "x"}}))]
#[case("features", json!({"features": [{"name": "IsHibernateSupported", "value": "True"}]}))]
fn what_machines_are_built_on_never_changes(#[case] member: &str, #[case] change: Value) {
    let scene = definition().after(body(json!({})));
    for body in [change.clone(), body(change)] {
        scene.check_refused(
            body,
            "PropertyChangeNotAllowed",
            &format!("galleryImage.properties.{member}"),
            &format!("Changing property 'galleryImage.properties.{member}' is not allowed."),
        );
    }
}

#[rstest]
#[case::old("2021-10-01", json!({}), "V1", None)]
#[case::old_and_said("2024-03-03", json!({"hyperVGeneration": "V2"}), "V2", None)]
#[case::new("2025-03-03", json!({}), "V2", Some("TrustedLaunchSupported"))]
#[case::newer("2026-03-03", json!({"architecture": "Arm64"}), "V2", Some("TrustedLaunchSupported"))]
#[case::new_generation_1("2026-03-03", json!({"hyperVGeneration": "V1"}), "V1", None)]
#[case::new_and_said("2026-03-03", json!({"features": [{"name": "SecurityType", "value": "trustedlaunch"}]}), "V2", Some("TrustedLaunch"))]
#[case::opted_out("2026-03-03", json!({"features": [{"name": "SecurityType", "value": "Standard"}]}), "V2", Some("Standard"))]
fn defaults_depend_on_the_api_version(
    #[case] api_version: &'static str,
    #[case] more: Value,
    #[case] generation: &str,
    #[case] security: Option<&str>,
) {
    let mut scene = definition();
    scene.api_version = api_version;
    let properties = scene.properties(body(more));
    assert_eq!(properties["hyperVGeneration"], generation);
    assert_eq!(properties.get("features").map(|features| features[0]["value"].as_str().unwrap()), security);
}

#[test]
fn an_update_adds_no_defaults_of_a_newer_api_version() {
    let mut scene = definition();
    scene.api_version = "2024-03-03";
    let mut scene = scene.after(body(json!({"hyperVGeneration": "V2"})));
    scene.api_version = "2026-03-03";
    assert_eq!(scene.properties(body(json!({}))).get("features"), None);
}

#[test]
fn features_change_with_allow_update_image() {
    let scene =
        definition().after(body(json!({"features": [{"name": "SecurityType", "value": "Standard"}]})));
    let change = json!({"features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}], "allowUpdateImage": true});
    let properties = scene.properties(body(change));
    assert_eq!(properties["features"][0]["value"], "TrustedLaunchSupported");
    assert_eq!(properties.get("allowUpdateImage"), None);
    // Left out or empty they stay; removed they are only on purpose.
    assert_eq!(scene.properties(body(json!({})))["features"][0]["value"], "Standard");
    assert_eq!(scene.properties(body(json!({"features": []})))["features"][0]["value"], "Standard");
    assert_eq!(
        scene.properties(body(json!({"features": [], "allowUpdateImage": true}))).get("features"),
        None
    );
}

#[test]
fn an_end_of_life_that_stands_may_pass() {
    let mut scene = definition().after(body(json!({"endOfLifeDate": "2028-01-01T00:00:00Z"})));
    scene.now = "2029-01-01T00:00:00Z".parse().unwrap();
    assert!(scene.put(body(json!({"endOfLifeDate": "2028-01-01T00:00:00.000Z"}))).is_ok());
    assert_eq!(scene.properties(body(json!({}))).get("endOfLifeDate"), None);
    let earlier = body(json!({"endOfLifeDate": "2028-06-01T00:00:00Z"}));
    scene.check_refused(earlier, "InvalidParameter", "galleryImage.properties.endOfLifeDate", "future date");
}

#[test]
fn what_may_change_is_replaced_by_a_put_and_merged_by_a_patch() {
    let scene = definition()
        .after(body(json!({"description": "d", "eula": "e", "disallowed": {"diskTypes": ["Premium_LRS"]}})));
    let replaced = scene.properties(json!({"description": "new", "disallowed": {}, "identifier": {}}));
    assert_eq!(
        (replaced["description"].as_str(), replaced.get("eula"), replaced.get("disallowed")),
        (Some("new"), None, None)
    );
    let merged = scene.patch(json!({"description": "new"})).unwrap().properties;
    assert_eq!((merged["description"].as_str(), merged["eula"].as_str()), (Some("new"), Some("e")));
    assert_eq!(merged["disallowed"]["diskTypes"][0], "Premium_LRS");
}

#[test]
fn empty_members_are_dropped() {
    let properties = definition().properties(body(json!({
        "disallowed": {"diskTypes": []}, "recommended": {"vCPUs": {}}, "purchasePlan": {}, "description": null,
    })));
    for name in ["disallowed", "recommended", "purchasePlan", "description"] {
        assert_eq!(properties.get(name), None, "{name}");
    }
}

#[test]
fn an_identifier_is_refused_in_words_when_another_definition_has_it() {
    let properties = definition().put(body(json!({}))).unwrap().properties;
    let holder = compute("galleries/g/images/other").parse().unwrap();
    let refusal = ImageDefinition.taken(&properties, &definition().id, &holder);
    check_refusal(
        &refusal,
        "Conflict",
        "galleryImage.properties.identifier",
        "Gallery image: other identified by (publisher:p, offer:o, sku:s) already exists. Choose a different publisher, offer, sku combination",
    );
}

#[test]
fn identifiers_differ_by_gallery_and_not_by_case() {
    let claim = |id: &str, publisher: &str| {
        Scene::new(&ImageDefinition, &compute(id))
            .put(body(json!({"identifier": {"publisher": publisher}})))
            .unwrap()
            .claims
    };
    assert_eq!(claim("galleries/g/images/a", "ACME"), claim("galleries/G/images/b", "acme"));
    assert_ne!(claim("galleries/g/images/a", "acme"), claim("galleries/h/images/a", "acme"));
}

#[test]
fn names_may_hold_dashes() {
    assert_eq!(ImageDefinition.check_name("Ubuntu-24.04_lts"), Ok(()));
    for name in ["", "-a", "a-", "a.", "a_", "a/b", &"a".repeat(81)] {
        let refusal = ImageDefinition.check_name(name).unwrap_err();
        check_refusal(&refusal, "InvalidParameter", "galleryImage.name", "gallery image name");
    }
}

proptest! {
    #[test]
    fn what_a_get_shows_may_be_put_back(
        os in prop::sample::select(vec!["Windows", "linux"]),
        generation in prop::option::of(prop::sample::select(vec!["v1", "V2"])),
        publisher in "[A-Za-z0-9][A-Za-z0-9._-]{0,20}[a-z]",
        description in prop::option::of("\\PC{0,40}"),
        hibernate in prop::option::of(prop::sample::select(vec!["true", "FALSE"])),
        security in prop::option::of(prop::sample::select(vec!["Standard", "trustedlaunch", "ConfidentialVmSupported"])),
        cpus in prop::option::of((0..100_u32, 0..100_u32)),
        api_version in prop::sample::select(crate::compute::API_VERSIONS),
    ) {
        let mut features = Vec::new();
        features.extend(hibernate.map(|value| json!({"name": "IsHibernateSupported", "value": value})));
        features.extend(security.map(|value| json!({"name": "SecurityType", "value": value})));
        let sent = json!({
            "osType": os, "osState": "Specialized", "hyperVGeneration": generation, "description": description,
            "identifier": {"publisher": publisher, "offer": "o", "sku": "s"}, "features": features,
            "recommended": {"vCPUs": cpus.map(|(min, more)| json!({"min": min, "max": min + more}))},
        });
        let mut scene = definition();
        scene.api_version = api_version;
        let Ok(accepted) = scene.put(sent) else { return Ok(()) };
        let mut scene = scene.standing(accepted, crate::State::Succeeded);
        scene.api_version = "2024-03-03";
        let shown = scene.get(None, &[]);
        prop_assert_eq!(scene.properties(shown.clone()), shown);
    }
}
