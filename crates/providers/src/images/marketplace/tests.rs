//! What a catalogue may say, how it is kept, cut in pieces, and shown.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Catalogue, Facts, MOST_VERSIONS, PlanNames, VersionNumber};
use crate::testing::{compute, stored};

fn with_sku(sku: &Value) -> Value {
    json!({"publishers": [{"name": "Canonical", "offers": [{"name": "ubuntu", "skus": [sku]}]}]})
}

fn sku(change: &Value) -> Value {
    let mut sku = json!({"name": "server", "osType": "Linux", "versions": [{"name": "22.04.1"}]});
    sku.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    sku
}

fn read(catalogue: &Value) -> Result<Catalogue, String> {
    serde_json::from_str(&serde_json::to_string_pretty(catalogue).unwrap()).map_err(|error| error.to_string())
}

#[rstest]
#[case::stranger(json!({"colour": 1}), "unknown field `colour`")]
#[case::no_os(json!({"osType": null}), "needs an osType")]
#[case::other_os(json!({"osType": "Plan9"}), "unknown variant `Plan9`")]
#[case::name(json!({"name": "a:b"}), "'a:b' is no name here")]
#[case::version(json!({"versions": [{"name": "latest"}]}), "'latest' is no version here")]
#[case::five_parts(json!({"versions": [{"name": "1.2.3.4.5"}]}), "is no version here")]
#[case::twice(json!({"versions": [{"name": "1.0.0"}, {"name": "1.0.0"}]}), "'1.0.0' stands twice")]
#[case::arm_from_bios(json!({"architecture": "Arm64", "hyperVGeneration": "V1"}), "start from UEFI")]
#[case::follows_and_says(json!({"definition": compute("galleries/g/images/d")}), "give only name, alias and definition")]
#[case::follows_a_gallery(json!({"osType": null, "versions": [], "definition": compute("galleries/g")}), "no id of an image definition")]
#[case::two_sources(json!({"versions": [{"name": "1", "imageVersion": compute("galleries/g/images/d/versions/1.0.0"), "disk": {"file": "a", "format": "raw"}}]}), "both a disk and an imageVersion")]
#[case::no_shelf(json!({"versions": [{"name": "1", "disk": {"file": "a", "format": "raw"}}]}), "say under 'gallery'")]
#[case::no_version_of_an_image(json!({"versions": [{"name": "1", "imageVersion": compute("galleries/g/images/d")}]}), "no id of an image version")]
fn what_a_catalogue_may_not_say_is_told_with_its_place(#[case] change: Value, #[case] words: &str) {
    let refusal = read(&with_sku(&sku(&change))).unwrap_err();
    assert!(refusal.contains(words) && refusal.contains(" at line "), "{refusal}");
}

#[test]
fn names_compare_without_case_in_every_list() {
    let twice = json!({"publishers": [{"name": "A"}, {"name": "a"}]});
    assert!(read(&twice).unwrap_err().contains("'a' stands twice in one list at line"));
}

#[test]
fn versions_are_ordered_as_numbers() {
    let key = |text: &str| text.parse::<VersionNumber>().unwrap().sort_key();
    for (lower, higher) in [
        ("1.0.9", "1.0.10"),
        ("18.04.202401161", "20.04.1"),
        ("1.0", "1.0.0"),
        ("20348.99.1", "20348.2113.231109"),
    ] {
        assert!(key(lower) < key(higher), "{lower} {higher}");
    }
    let in_gallery =
        |text: &str| text.parse::<VersionNumber>().unwrap().of_gallery().map(|name| name.to_string());
    assert_eq!(in_gallery("22.04.202401161").as_deref(), Some("22.4.202401161"));
    assert_eq!(
        (in_gallery("22.04"), in_gallery("1.2.3.4"), in_gallery("1.0.99999999999")),
        (None, None, None)
    );
}

#[test]
fn entries_say_what_the_catalogue_says() {
    let version = json!({"name": "22.04.1", "sizeInBytes": 7, "deprecation": {"imageState": "Deprecated"}});
    let catalogue = read(&with_sku(&sku(&json!({
        "alias": "Ubuntu", "plan": {"name": "server"}, "versions": [version],
    }))))
    .unwrap();
    let entries = catalogue.entries().unwrap();
    let shown: Vec<Value> =
        entries.iter().map(|entry| json!([entry.id.to_string(), entry.sort_key, entry.properties])).collect();
    insta::assert_json_snapshot!(shown);
    assert_eq!(entries[3].most, MOST_VERSIONS);
}

#[test]
fn an_image_is_shown_in_azures_words() {
    let catalogue = read(&with_sku(&sku(&json!({
        "features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}], "plan": {"name": "server"},
        "versions": [{"name": "22.04.1", "sizeInBytes": 7, "dataDisks": [{"lun": 0, "sizeInBytes": 512}]}],
        "deprecation": {"imageState": "ScheduledForDeprecation", "scheduledDeprecationTime": "2030-01-01T00:00:00Z",
            "alternativeOption": {"type": "Offer", "value": "noble"}},
    }))))
    .unwrap();
    let sku = &catalogue.publishers[0].offers[0].skus[0];
    let facts = Facts::of_catalogue("Canonical", "ubuntu", sku, &sku.versions[0], None);
    insta::assert_json_snapshot!([facts.properties(), facts.deprecation_alone()]);
}

#[test]
fn a_gallery_version_is_shown_by_its_definition() {
    let definition = stored(
        &compute("galleries/g/images/d"),
        json!({"osType": "Windows", "hyperVGeneration": "V2", "features": [{"name": "a", "value": "b"}],
            "purchasePlan": {"publisher": "p", "product": "o", "name": "n"}}),
    );
    let at = |end: Option<&str>| {
        let mut version = stored(
            &compute("galleries/g/images/d/versions/1.0.0"),
            json!({"publishingProfile": {"endOfLifeDate": end}, "storageProfile": {"dataDiskImages": [{"lun": 3, "sizeInGB": 2}]}}),
        );
        version.document.internal.insert("sizeBytes".to_owned(), 4096.into());
        let now = "2027-01-01T00:00:00Z".parse().unwrap();
        Facts::of_gallery(&definition.document, &version.document, now)
    };
    let facts = at(None);
    assert_eq!((facts.os_type.as_str(), facts.architecture.as_str()), ("Windows", "x64"));
    assert_eq!((facts.size_bytes, facts.data_disks.as_slice()), (Some(4096), [(3, 2 << 30)].as_slice()));
    let plan = PlanNames { publisher: "p".to_owned(), product: "o".to_owned(), name: "n".to_owned() };
    assert_eq!(facts.plan, Some(plan));
    let state = |end| at(end).properties()["imageDeprecationStatus"]["imageState"].clone();
    assert_eq!(state(None), "Active");
    assert_eq!(state(Some("2026-01-01T00:00:00+00:00")), "Deprecated");
    assert_eq!(state(Some("2028-01-01T00:00:00+00:00")), "ScheduledForDeprecation");
}

/// A catalogue of so many offers, SKUs and versions.
fn catalogue(shape: &[Vec<Vec<usize>>]) -> Catalogue {
    let publishers = shape.iter().enumerate().map(|(p, offers)| {
        let offers = offers.iter().enumerate().map(|(o, skus)| {
            let skus = skus.iter().enumerate().map(|(s, versions)| {
                let versions: Vec<Value> =
                    (0..*versions).map(|v| json!({"name": format!("1.0.{v}")})).collect();
                json!({"name": format!("s{s}"), "osType": "Linux", "versions": versions})
            });
            json!({"name": format!("o{o}"), "skus": skus.collect::<Vec<_>>()})
        });
        json!({"name": format!("p{p}"), "offers": offers.collect::<Vec<_>>()})
    });
    read(&json!({"publishers": publishers.collect::<Vec<_>>()})).unwrap()
}

proptest! {
    #[test]
    fn pieces_are_small_and_together_say_the_same(
        shape in prop::collection::vec(prop::collection::vec(prop::collection::vec(0_usize..30, 0..3), 0..3), 0..4),
        most in 4_usize..20,
    ) {
        let whole = catalogue(&shape);
        let mut wanted: Vec<String> = ids(&whole);
        let pieces = whole.batches(most);
        let mut found = Vec::new();
        for piece in &pieces {
            let entries = ids(piece);
            prop_assert!(!entries.is_empty() && entries.len() <= most, "{} of {most}", entries.len());
            // Each piece is a catalogue of its own.
            prop_assert_eq!(&read(&serde_json::to_value(piece).unwrap()).unwrap(), piece);
            found.extend(entries);
        }
        wanted.sort();
        found.sort();
        found.dedup();
        prop_assert_eq!(found, wanted);
    }
}

fn ids(catalogue: &Catalogue) -> Vec<String> {
    catalogue.entries().unwrap().iter().map(|entry| entry.id.to_string()).collect()
}
