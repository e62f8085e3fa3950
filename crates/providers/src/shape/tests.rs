//! Reading, settling and merging by shape.

use serde_json::{Value, json};

use super::{Field, Kind, merge, read, settle};

const FIELDS: &[Field] = &[
    Field::new("description", Kind::Text(8)),
    Field::new("osType", Kind::Choice(&["Windows", "Linux"])).fixed().required(),
    Field::new(
        "identifier",
        Kind::Object(&[
            Field::new("publisher", Kind::Text(20)).fixed(),
            Field::new("uniqueName", Kind::Text(99)).read_only(),
        ]),
    ),
    Field::new("counts", Kind::List(&Kind::Integer(1, 100))),
    Field::new("until", Kind::Time),
    Field::new("restore", Kind::Bool).directive(),
];

fn put(current: Option<&Value>, body: &Value) -> Result<Value, String> {
    let reading = read(FIELDS, body, "thing.properties").map_err(|no| no.to_string())?;
    let current = current.and_then(Value::as_object);
    settle(FIELDS, current, reading.stored, "thing.properties")
        .map(Value::Object)
        .map_err(|no| no.to_string())
}

#[test]
fn names_and_choices_come_out_in_canonical_spelling() {
    let body = json!({"OSTYPE": "linux", "unknown": 1, "description": null, "until": "2030-01-31"});
    assert_eq!(put(None, &body).unwrap(), json!({"osType": "Linux", "until": "2030-01-31T00:00:00+00:00"}));
}

#[test]
fn what_does_not_fit_is_refused_with_its_path() {
    let check = |body: Value, words: &str| {
        let refusal = put(None, &body).unwrap_err();
        assert!(refusal.contains(words), "{refusal}");
    };
    check(json!([]), "an object");
    check(json!({}), "Required parameter 'thing.properties.osType' is missing");
    check(json!({"osType": "BeOS"}), "Allowed values are: Windows, Linux");
    check(json!({"osType": 1}), "Error converting value 1 to a string. Path 'properties.osType'.");
    check(json!({"counts": [1, 101]}), "'thing.properties.counts[1]' is out of range");
    check(json!({"description": "longer than eight"}), "at most 8 characters");
    check(json!({"until": "tomorrow"}), "Could not convert string to DateTimeOffset: tomorrow.");
}

#[test]
fn fixed_members_stay_when_left_out_or_empty_and_may_not_change() {
    let current =
        json!({"osType": "Linux", "identifier": {"publisher": "P", "uniqueName": "U"}, "description": "d"});
    let kept = json!({"osType": "Linux", "identifier": {"publisher": "P", "uniqueName": "U"}});
    assert_eq!(put(Some(&current), &json!({"identifier": {}})).unwrap(), kept);
    assert_eq!(
        put(Some(&current), &json!({"identifier": {"publisher": "p", "uniqueName": "mine"}})).unwrap(),
        kept
    );
    let refusal = put(Some(&current), &json!({"identifier": {"publisher": "Q"}})).unwrap_err();
    assert!(
        refusal.contains("Changing property 'thing.properties.identifier.publisher' is not allowed."),
        "{refusal}"
    );
}

#[test]
fn fixed_members_may_not_come_later() {
    let current = json!({"osType": "Linux"});
    let refusal = put(Some(&current), &json!({"identifier": {"publisher": "P"}})).unwrap_err();
    assert!(
        refusal.contains("Changing property 'thing.properties.identifier.publisher' is not allowed."),
        "{refusal}"
    );
    assert_eq!(put(Some(&current), &json!({"identifier": {"publisher": ""}})).unwrap(), current);
}

#[test]
fn a_member_is_found_by_its_path() {
    let members = json!({"a": {"b": {"c": 1}}, "d": [1]});
    let at = |path| super::at(members.as_object().unwrap(), path).cloned();
    assert_eq!(at("a.b.c"), Some(json!(1)));
    assert_eq!(at("d"), Some(json!([1])));
    assert_eq!(at("d.0"), None);
    assert_eq!(at("a.x"), None);
}

#[test]
fn directives_are_told_and_not_stored() {
    let reading = read(FIELDS, &json!({"restore": "True", "osType": "Linux"}), "thing.properties").unwrap();
    assert_eq!(reading.directives.get("restore"), Some(&json!(true)));
    assert!(!reading.stored.contains_key("restore"));
}

#[test]
fn a_patch_merges_objects_and_replaces_the_rest() {
    let (current, patch) = (json!({"a": {"b": 1, "c": 2}, "d": [1]}), json!({"a": {"c": 3}, "d": []}));
    let merged = merge(current.as_object().unwrap(), patch.as_object().unwrap().clone());
    assert_eq!(Value::Object(merged), json!({"a": {"b": 1, "c": 3}, "d": []}));
}
