//! Documents are read as they lie, and a value is held against its schema in every respect.

use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};

use super::{Direction, Located, Place, Specs, check};

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/specs");

#[test]
fn an_operation_is_read_with_what_it_refers_to() {
    let operations = Specs::open(Path::new(SMALL)).unwrap().operations().unwrap();
    let update = operations.iter().find(|operation| operation.id == "Galleries_Update").unwrap();
    assert_eq!((update.method.as_str(), update.api_version.as_str()), ("PATCH", "2024-03-03"));
    assert!(update.path.ends_with("/galleries/{galleryName}"), "{}", update.path);
    let places: Vec<(&str, Place)> =
        update.parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.place)).collect();
    assert_eq!(
        places,
        [
            ("subscriptionId", Place::Path),
            ("resourceGroupName", Place::Path),
            ("galleryName", Place::Path),
            ("gallery", Place::Body),
            ("api-version", Place::Query),
        ]
    );
    assert_eq!(update.responses.keys().copied().collect::<Vec<u16>>(), [200]);
    assert_eq!(update.examples["Gallery_Update.json"]["parameters"]["galleryName"], "shelf");
    assert!(operations.iter().any(|operation| operation.document == "diskAccess.json"));
}

#[test]
fn the_newest_release_of_a_document_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["2024-03-03", "2022-03-03", "2019-12-01"] {
        let place = folder.path().join("stable").join(version);
        std::fs::create_dir_all(&place).unwrap();
        let text = json!({"info": {"version": version}, "paths": {"/x": {"get": {"operationId": "X"}}}});
        std::fs::write(place.join("gallery.json"), text.to_string()).unwrap();
        std::fs::write(place.join("other.json"), "not looked at").unwrap();
    }
    let operations = Specs::open(folder.path()).unwrap().operations().unwrap();
    assert_eq!(operations.iter().map(|x| x.api_version.as_str()).collect::<Vec<_>>(), ["2024-03-03"]);
    assert!(Specs::open(&folder.path().join("stable/none")).is_err());
}

/// Schemas of a document of its own.
fn document() -> Value {
    json!({"definitions": {
        "Base": {"type": "object", "required": ["kind", "id"], "discriminator": "kind", "properties": {
            "kind": {"type": "string"}, "id": {"type": "string", "readOnly": true}}},
        "Round": {"x-ms-discriminator-value": "round", "allOf": [{"$ref": "#/definitions/Base"}],
            "required": ["radius"], "properties": {"radius": {"type": "integer", "format": "int32", "minimum": 1}}},
        "Closed": {"type": "object", "additionalProperties": false, "properties": {"a": {"type": "boolean"}}},
        "Tags": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
        "Times": {"type": "array", "items": {"type": "string", "format": "date-time"}},
        "Fixed": {"type": "string", "enum": ["A", "B"], "x-ms-enum": {"modelAsString": false}},
        "Open": {"type": "string", "enum": ["A", "B"], "x-ms-enum": {"modelAsString": true}},
        "Circle": {"$ref": "#/definitions/Circle"},
        "Any": {"type": "object"},
    }})
}

fn findings(definition: &str, value: &Value, direction: Direction) -> anyhow::Result<super::Findings> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gallery.json"), document().to_string()).unwrap();
    let specs = Specs::open(folder.path()).unwrap();
    let schema = Located {
        document: folder.path().join("gallery.json"),
        value: json!({"$ref": format!("#/definitions/{definition}")}),
    };
    check(&specs, &schema, value, direction)
}

#[rstest]
#[case("Base", json!({"kind": "flat", "id": "1"}), &[])]
#[case("Base", json!({"kind": "flat"}), &["id is missing"])]
#[case("Base", json!({"kind": "round", "id": "1"}), &["radius is missing"])]
#[case("Base", json!({"kind": "round", "id": "1", "radius": 0}), &["radius is 0, which is out of range"])]
#[case("Base", json!({"kind": "round", "id": "1", "radius": 3_000_000_000_u64}), &["radius is 3000000000, which is out of range"])]
#[case("Base", json!({"kind": "round", "id": "1", "radius": 1.5}), &["radius is no integer"])]
#[case("Base", json!({"kind": 1, "id": null}), &["id is null", "kind is no string"])]
#[case("Base", json!([]), &["the body is no object"])]
#[case("Closed", json!({"a": true}), &[])]
#[case("Closed", json!({"a": "true", "b": 1}), &["a is neither true nor false", "b is not allowed"])]
#[case("Tags", json!({"x": "abc"}), &[])]
#[case("Tags", json!({"x": "abcd"}), &["x has 4 characters, not 0 to 3"])]
#[case("Times", json!(["2026-01-01T00:00:00Z", "yesterday"]), &["[1] is no date-time"])]
#[case("Times", json!({}), &["the body is no array"])]
#[case("Fixed", json!("B"), &[])]
#[case("Fixed", json!("b"), &["the body is \"b\", none of \"A\", \"B\""])]
#[case("Open", json!("C"), &[])]
#[case("Any", json!({"x": [1, {"y": null}]}), &[])]
fn a_value_is_held_against_its_schema(
    #[case] definition: &str,
    #[case] value: Value,
    #[case] wanted: &[&str],
) {
    assert_eq!(findings(definition, &value, Direction::Response).unwrap().violations, wanted);
}

#[test]
fn the_servers_own_members_are_not_required_of_a_client() {
    let value = json!({"kind": "flat"});
    assert_eq!(findings("Base", &value, Direction::Request).unwrap().violations, [""; 0]);
}

#[test]
fn what_a_schema_does_not_list_is_noted() {
    let strangers = |definition: &str, value: Value| {
        findings(definition, &value, Direction::Response).unwrap().strangers.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(strangers("Base", json!({"kind": "flat", "id": "1", "colour": "red"})), ["colour"]);
    assert_eq!(strangers("Open", json!("C")), [" = \"C\""]);
}

#[test]
fn references_that_lead_nowhere_are_errors() {
    for definition in ["Circle", "Absent"] {
        assert!(findings(definition, &json!({}), Direction::Response).is_err(), "{definition}");
    }
}
