//! Every rule of applications as a table of bodies and answers.

use rstest::rstest;
use serde_json::{Value, json};

use super::Application;
use crate::ResourceType;
use crate::testing::{Scene, check_refusal, compute};

fn application() -> Scene {
    Scene::new(&Application, &compute("galleries/g/applications/app"))
}

#[test]
fn an_application_is_kept_as_it_is_said() {
    let said = json!({
        "description": "a tool", "eula": "terms", "supportedOSType": "Linux",
        "endOfLifeDate": "2030-01-01T00:00:00+00:00",
        "customActions": [{"name": "repair", "script": "fix", "parameters": [{"name": "how", "type": "String", "required": false}]}],
    });
    let accepted = application().put(said.clone()).unwrap();
    assert_eq!(Value::Object(accepted.properties), said);
    assert_eq!(accepted.work, None);
    assert!(!Application.shows_state() && !Application.deletes_as_operation());
}

#[rstest]
#[case::no_system(json!({}), "supportedOSType", "Required parameter")]
#[case::another_system(json!({"supportedOSType": "BeOS"}), "supportedOSType", "Windows, Linux")]
#[case::past(json!({"supportedOSType": "Linux", "endOfLifeDate": "2020-01-01"}), "endOfLifeDate", "future date")]
#[case::nameless(json!({"supportedOSType": "Linux", "customActions": [{"script": "x"}]}), "customActions[0].name", "missing")]
#[case::scriptless(json!({"supportedOSType": "Linux", "customActions": [{"name": "x"}]}), "customActions[0].script", "missing")]
#[case::twice(json!({"supportedOSType": "Linux", "customActions": [{"name": "x", "script": "1"}, {"name": "X", "script": "2"}]}),
    "customActions[1].name", "stands twice")]
#[case::parameter_twice(json!({"supportedOSType": "Linux", "customActions": [{"name": "x", "script": "1", "parameters": [{"name": "p"}, {"name": "p"}]}]}),
    "customActions[0].parameters[1].name", "stands twice")]
fn what_an_application_may_not_be(#[case] body: Value, #[case] path: &str, #[case] words: &str) {
    let target = format!("galleryApplication.properties.{path}");
    application().check_refused(body, "InvalidParameter", &target, words);
}

#[test]
fn the_system_it_is_for_stays() {
    let scene = application().after(json!({"supportedOSType": "Linux"}));
    let target = "galleryApplication.properties.supportedOSType";
    scene.check_refused(
        json!({"supportedOSType": "Windows"}),
        "PropertyChangeNotAllowed",
        target,
        "not allowed",
    );
    assert_eq!(scene.properties(json!({"eula": "new"})), json!({"eula": "new", "supportedOSType": "Linux"}));
}

#[test]
fn names_may_have_dashes() {
    assert_eq!(Application.check_name("my-app_1.x"), Ok(()));
    let refusal = Application.check_name("-app").unwrap_err();
    check_refusal(&refusal, "InvalidParameter", "galleryApplication.name", "gallery application name");
}
