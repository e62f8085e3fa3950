//! Every rule of access control profiles as a table of bodies and answers.

use rstest::rstest;
use serde_json::{Value, json};

use super::AccessControlProfile;
use crate::ResourceType;
use crate::testing::{Scene, check_refusal, compute};

fn profile() -> Scene {
    Scene::new(&AccessControlProfile, &compute("galleries/g/inVMAccessControlProfiles/rules"))
}

#[test]
fn a_profile_is_kept_as_it_is_said() {
    let said = json!({"osType": "Linux", "applicableHostEndpoint": "IMDS", "description": "who may ask"});
    let accepted = profile().put(said.clone()).unwrap();
    assert_eq!((Value::Object(accepted.properties), accepted.work), (said, None));
}

#[rstest]
#[case(json!({"applicableHostEndpoint": "IMDS"}), "osType", "missing")]
#[case(json!({"osType": "Linux"}), "applicableHostEndpoint", "missing")]
#[case(json!({"osType": "Linux", "applicableHostEndpoint": "Metadata"}), "applicableHostEndpoint", "WireServer, IMDS")]
fn what_a_profile_may_not_be(#[case] body: Value, #[case] path: &str, #[case] words: &str) {
    let target = format!("galleryInVMAccessControlProfile.properties.{path}");
    profile().check_refused(body, "InvalidParameter", &target, words);
}

#[test]
fn what_it_applies_to_stays() {
    let scene = profile().after(json!({"osType": "Linux", "applicableHostEndpoint": "IMDS"}));
    let target = "galleryInVMAccessControlProfile.properties.applicableHostEndpoint";
    let body = json!({"applicableHostEndpoint": "WireServer"});
    scene.check_refused(body, "PropertyChangeNotAllowed", target, "not allowed");
}

#[rstest]
#[case("my-profile.1_x", true)]
#[case("a", true)]
#[case("a--b", false)]
#[case("a.", false)]
#[case("-a", false)]
#[case(&"a".repeat(81), false)]
fn a_name_is_words_joined_by_single_separators(#[case] name: &str, #[case] fits: bool) {
    match AccessControlProfile.check_name(name) {
        Ok(()) => assert!(fits, "{name}"),
        Err(refusal) => {
            assert!(!fits, "{name}");
            check_refusal(&refusal, "InvalidParameter", "galleryInVMAccessControlProfile.name", "1 to 80");
        }
    }
}
