//! Every rule of access control profile versions as a table of bodies and answers.

#![expect(clippy::needless_pass_by_value, reason = "cases read best as the values they are")]

use rstest::rstest;
use serde_json::{Value, json};

use super::AccessControlProfileVersion;
use crate::State;
use crate::shape::merge;
use crate::testing::{Scene, compute};

fn version() -> Scene {
    let path = "galleries/g/inVMAccessControlProfiles/rules/versions/1.0.0";
    Scene::new(&AccessControlProfileVersion, &compute(path))
}

fn rules() -> Value {
    json!({
        "privileges": [{"name": "GoalState", "path": "/machine", "queryParameters": {"comp": "goalstate"}}],
        "roles": [{"name": "Provisioning", "privileges": ["goalstate"]}],
        "identities": [{"name": "Agent", "userName": "root"}],
        "roleAssignments": [{"role": "Provisioning", "identities": ["Agent"]}],
    })
}

fn body(more: Value) -> Value {
    let least = json!({"mode": "Audit", "defaultAccess": "Deny", "rules": rules()});
    Value::Object(merge(least.as_object().unwrap(), more.as_object().unwrap().clone()))
}

#[test]
fn a_new_version_is_answered_whole_and_published_as_a_document() {
    let regions = json!({"targetLocations": [{"name": "westeurope"}, {"name": "East US 2"}]});
    let accepted = version().put(body(regions)).unwrap();
    assert_eq!(
        Value::Object(accepted.properties),
        json!({
            "mode": "Audit", "defaultAccess": "Deny", "rules": rules(), "excludeFromLatest": false,
            "targetLocations": [{"name": "West Europe"}, {"name": "East US 2"}],
            "publishedDate": "2027-01-01T00:00:00+00:00",
        })
    );
    assert_eq!(accepted.work.unwrap().kind, "artifact_version.publish");
    let source = json!([{"name": "rules", "members": ["mode", "defaultAccess", "rules"]}]);
    assert_eq!(accepted.internal.unwrap()["source"], source);
}

#[rstest]
#[case::path(json!({"privileges": [{"name": "GoalState"}]}), "privileges[0].path", "missing")]
#[case::twice(json!({"identities": [{"name": "Agent"}, {"name": "agent"}]}), "identities[1].name", "stands twice")]
#[case::no_such_privilege(json!({"roles": [{"name": "Provisioning", "privileges": ["Other"]}]}), "roles[0].privileges", "privilege 'Other'")]
#[case::no_privilege(json!({"roles": [{"name": "Provisioning"}]}), "roles[0].privileges", "missing")]
#[case::no_role(json!({"roleAssignments": [{"identities": ["Agent"]}]}), "roleAssignments[0].role", "missing")]
#[case::no_such_role(json!({"roleAssignments": [{"role": "Other", "identities": ["Agent"]}]}), "roleAssignments[0].role", "role 'Other'")]
#[case::no_such_identity(json!({"roleAssignments": [{"role": "Provisioning", "identities": ["Other"]}]}),
    "roleAssignments[0].identities", "identity 'Other'")]
fn rules_name_what_is_there(#[case] part: Value, #[case] path: &str, #[case] words: &str) {
    let target = format!("galleryInVMAccessControlProfileVersion.properties.rules.{path}");
    version().check_refused(body(json!({ "rules": part })), "InvalidParameter", &target, words);
}

#[test]
fn mode_and_access_must_be_said() {
    for name in ["mode", "defaultAccess"] {
        let mut asked = body(json!({}));
        asked.as_object_mut().unwrap().remove(name);
        let target = format!("galleryInVMAccessControlProfileVersion.properties.{name}");
        version().check_refused(asked, "InvalidParameter", &target, "missing");
    }
}

#[test]
fn a_changed_document_is_published_anew_and_a_moved_one_is_copied() {
    let scene = version().after(body(json!({})));
    assert_eq!(scene.put(body(json!({}))).unwrap().work, None);
    let changed = scene.put(body(json!({"mode": "Enforce"}))).unwrap();
    assert!(changed.work.is_some());
    assert_eq!(changed.internal.as_ref().unwrap()["source"][0]["name"], "rules");
    assert_eq!(changed.properties["targetLocations"], json!([{"name": "West Europe"}]));
    let regions = json!({"targetLocations": [{"name": "westeurope"}, {"name": "eastus2"}]});
    let moved = scene.put(body(regions)).unwrap();
    assert!(moved.work.is_some() && moved.internal.is_none());
    // Nothing forbids that regions go.
    let scene = scene.standing(moved, State::Succeeded);
    let fewer = scene.put(body(json!({"targetLocations": [{"name": "westeurope"}]}))).unwrap();
    assert!(fewer.work.is_some());
}
