//! Every rule of scripts as a table of bodies and answers.

use rstest::rstest;
use serde_json::{Value, json};

use super::Script;
use crate::ResourceType;
use crate::testing::{Scene, check_refusal, compute};

fn script() -> Scene {
    Scene::new(&Script, &compute("galleries/g/scripts/clean_up"))
}

#[test]
fn a_script_is_kept_as_it_is_said() {
    let said =
        json!({"description": "tidies", "supportedOSType": "Windows", "releaseNoteUri": "https://x.example"});
    let accepted = script().put(said.clone()).unwrap();
    assert_eq!((Value::Object(accepted.properties), accepted.work), (said, None));
}

#[rstest]
#[case::no_system(json!({}), "supportedOSType", "missing")]
#[case::past(json!({"supportedOSType": "Linux", "endOfLifeDate": "2020-01-01"}), "endOfLifeDate", "future date")]
fn what_a_script_may_not_be(#[case] body: Value, #[case] path: &str, #[case] words: &str) {
    script().check_refused(body, "InvalidParameter", &format!("galleryScript.properties.{path}"), words);
}

#[rstest]
#[case("a", true)]
#[case("clean_up_2", true)]
#[case("clean-up", false)]
#[case("clean__up", false)]
#[case("_clean", false)]
#[case("clean_", false)]
#[case("", false)]
fn a_name_is_words_joined_by_single_underscores(#[case] name: &str, #[case] fits: bool) {
    match Script.check_name(name) {
        Ok(()) => assert!(fits, "{name}"),
        Err(refusal) => {
            assert!(!fits, "{name}");
            check_refusal(&refusal, "InvalidParameter", "galleryScript.name", "underscore");
        }
    }
}
