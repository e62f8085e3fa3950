//! Every rule of script versions as a table of bodies and answers.

#![expect(clippy::needless_pass_by_value, reason = "cases read best as the values they are")]

use rstest::rstest;
use serde_json::{Value, json};

use super::ScriptVersion;
use crate::testing::{Scene, check_refusal, compute};

const LINK: &str = "https://acc.blob.core.windows.net/scripts/clean.sh";

fn version() -> Scene {
    Scene::new(&ScriptVersion, &compute("galleries/g/scripts/clean/versions/1.0.0"))
}

fn body(parameters: Value) -> Value {
    json!({"publishingProfile": {"source": {"scriptLink": format!("{LINK}?sig=canary"), "parameters": parameters}}})
}

#[test]
fn a_new_version_is_published_and_shows_no_signature() {
    let parameters = json!([
        {"name": "depth", "type": "Int", "minValue": "1", "maxValue": "9", "defaultValue": "3", "required": true},
        {"name": "how", "type": "Enum", "enumValues": ["fast", "well"], "defaultValue": "well"},
        {"name": "dry", "type": "Boolean", "defaultValue": "False"},
        {"name": "text"},
    ]);
    let accepted = version().put(body(parameters.clone())).unwrap();
    let source = &accepted.properties["publishingProfile"]["source"];
    assert_eq!(*source, json!({"scriptLink": LINK, "parameters": parameters}));
    assert_eq!(accepted.work.unwrap().kind, "artifact_version.publish");
    assert_eq!(accepted.internal.unwrap()["source"][0]["name"], "script");
}

#[rstest]
#[case::nameless(json!({}), "name", "missing")]
#[case::no_words(json!({"name": "x", "type": "Enum"}), "enumValues", "type 'Enum'")]
#[case::words_for_nothing(json!({"name": "x", "type": "Int", "enumValues": ["1"]}), "enumValues", "type 'Enum'")]
#[case::no_word_of_it(json!({"name": "x", "type": "Enum", "enumValues": ["a"], "defaultValue": "b"}), "defaultValue", "none of type 'Enum'")]
#[case::no_number(json!({"name": "x", "type": "Int", "defaultValue": "1.5"}), "defaultValue", "none of type 'Int'")]
#[case::endless(json!({"name": "x", "type": "Double", "maxValue": "inf"}), "maxValue", "none of type 'Double'")]
#[case::no_boolean(json!({"name": "x", "type": "Boolean", "defaultValue": "yes"}), "defaultValue", "none of type 'Boolean'")]
#[case::bounds_for_text(json!({"name": "x", "minValue": "1"}), "minValue", "type 'Int' or 'Double'")]
#[case::upside_down(json!({"name": "x", "type": "Int", "minValue": "2", "maxValue": "1"}), "minValue", "larger than")]
#[case::outside(json!({"name": "x", "type": "Int", "maxValue": "1", "defaultValue": "2"}), "defaultValue", "not between")]
fn what_a_parameter_may_not_be(#[case] parameter: Value, #[case] member: &str, #[case] words: &str) {
    let refusal = version().put(body(json!([parameter]))).unwrap_err();
    let target = format!("galleryScriptVersion.properties.publishingProfile.source.parameters[0].{member}");
    check_refusal(&refusal, "InvalidParameter", &target, words);
}

#[test]
fn the_script_and_its_parameters_stay() {
    let target = |path: &str| format!("galleryScriptVersion.properties.publishingProfile.source.{path}");
    version().check_refused(json!({}), "InvalidParameter", &target("scriptLink"), "missing");
    let scene = version().after(body(json!([{"name": "x"}])));
    let refused = |source: Value, path: &str| {
        let body = json!({"publishingProfile": {"source": source}});
        scene.check_refused(body, "PropertyChangeNotAllowed", &target(path), "not allowed");
    };
    refused(json!({"scriptLink": "https://acc.blob.core.windows.net/scripts/other.sh"}), "scriptLink");
    refused(json!({"parameters": [{"name": "y"}]}), "parameters");
}
