//! What holds for every type in the registry.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::resource_types;
use crate::shape::{Access, Field, Kind, read};

#[test]
fn every_type_has_a_name_of_its_own() {
    let names: HashSet<String> = resource_types().iter().map(|kind| kind.name().key()).collect();
    assert_eq!(names.len(), 5);
}

#[test]
fn api_versions_are_well_formed_and_newest_first() {
    for kind in resource_types() {
        let versions: Vec<arm::ApiVersion> =
            kind.api_versions().iter().map(|version| version.parse().unwrap()).collect();
        assert!(!versions.is_empty() && versions.is_sorted_by(|a, b| a > b), "{}", kind.name());
    }
}

#[test]
fn members_are_named_once_at_each_level() {
    fn check(fields: &[Field], path: &str) {
        let names: HashSet<String> = fields.iter().map(|field| field.name.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), fields.len(), "{path}");
        for field in fields {
            descend(field.kind, &format!("{path}.{}", field.name));
        }
    }
    fn descend(kind: Kind, path: &str) {
        match kind {
            Kind::Object(fields) => check(fields, path),
            Kind::List(kind) | Kind::Map(kind) => descend(*kind, path),
            Kind::Text(_) | Kind::Bool | Kind::Integer(..) | Kind::Time | Kind::Choice(_) | Kind::Any => {}
        }
    }
    for kind in resource_types() {
        check(kind.properties(), kind.subject());
        check(kind.envelope(), kind.subject());
    }
}

#[test]
fn unknown_members_and_nulls_are_dropped_everywhere() {
    for kind in resource_types() {
        let nulls: serde_json::Map<String, Value> =
            kind.properties().iter().map(|field| (field.name.to_uppercase(), Value::Null)).collect();
        let reading = read(kind.properties(), &Value::Object(nulls), "x.properties").unwrap();
        assert!(reading.stored.is_empty(), "{}", kind.name());
        let strangers = json!({"provisioningState": "Succeeded", "somethingNew": {"a": [1]}});
        assert!(read(kind.properties(), &strangers, "x.properties").unwrap().stored.is_empty());
    }
}

#[test]
fn a_member_of_the_wrong_type_is_refused_with_its_path() {
    for kind in resource_types() {
        for field in kind.properties().iter().filter(|field| field.access != Access::Read) {
            let wrong = if matches!(field.kind, Kind::Object(_)) { json!("text") } else { json!({"a": 1}) };
            let path = format!("{}.properties", kind.subject());
            let refusal = read(kind.properties(), &json!({field.name: wrong}), &path).unwrap_err();
            assert_eq!(refusal.detail.target, Some(format!("{path}.{}", field.name)), "{refusal}");
            assert_eq!(refusal.detail.code, "BadRequest");
            assert!(
                refusal.detail.message.contains(&format!("Path 'properties.{}'", field.name)),
                "{refusal}"
            );
        }
    }
}
