//! What a deployment accepts, shows and tells its job.

use rstest::rstest;
use serde_json::{Value, json};

use super::Deployment;
use crate::ResourceType;
use crate::testing::{GROUP, Scene};

fn scene() -> Scene {
    Scene::new(&Deployment, &format!("{GROUP}/providers/Microsoft.Resources/deployments/d"))
}

fn sent() -> Value {
    json!({
        "mode": "incremental",
        "template": {"parameters": {"open": {"type": "string"}, "hidden": {"type": "secureString"}}, "resources": []},
        "parameters": {"open": {"value": "x"}, "hidden": {"value": "canary"}, "stranger": {"value": "canary"}},
    })
}

#[test]
fn what_is_shown_has_no_secret_and_the_job_has_all() {
    let accepted = scene().put(sent()).unwrap();
    let shown = Value::Object(accepted.properties);
    assert_eq!(shown["mode"], "Incremental");
    assert_eq!(
        shown["parameters"],
        json!({"open": {"type": "String", "value": "x"}, "hidden": {"type": "SecureString"}})
    );
    assert!(shown["templateHash"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_digit()));
    assert!(!shown.to_string().contains("canary"));
    let input = accepted.work.unwrap().input;
    assert!(input["parameters"]["secret"].as_str().unwrap().contains("canary"));
    assert!(input["template"]["secret"].is_string() && input["caller"].is_null());
}

#[test]
fn a_template_that_makes_no_sense_is_accepted_and_one_that_is_not_there_is_not() {
    assert!(scene().put(json!({"template": {"resources": 7}})).is_ok());
    assert!(scene().put(json!({"templateLink": {"uri": "https://h/t.json"}})).is_ok());
    let refusal = scene().put(json!({"mode": "Incremental"})).unwrap_err();
    assert_eq!(refusal.detail.code, "InvalidRequestContent");
    assert_eq!(scene().put(json!({"mode": "Sideways", "template": {}})).unwrap_err().status, 400);
}

#[rstest]
#[case("vm_deploy_hXiasXoOePADkqG6h0n6VpBOPm4EEKMG", true)]
#[case("a.b-(c)", true)]
#[case("", false)]
#[case("a b", false)]
#[case("ü", false)]
#[case("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false)]
fn names(#[case] name: &str, #[case] is_allowed: bool) {
    assert_eq!(Deployment.check_name(name).is_ok(), is_allowed, "{name}");
}

#[test]
fn bodies_are_read_as_the_client_writes_them() {
    let body = b"{\"properties\": {\"mode\": \"Incremental\", template:{ // here\n\"resources\": [],}}}";
    let members = Deployment.read_body(body).unwrap().unwrap();
    assert_eq!(members["properties"]["template"], json!({"resources": []}));
    let refusal = Deployment.read_body(b"{\"a\": ").unwrap().unwrap_err();
    assert_eq!((refusal.status, refusal.detail.code.as_str()), (400, "InvalidRequestContent"));
}
