//! Every rule of resource groups as a table of bodies and answers.

use rstest::rstest;
use serde_json::json;

use super::ResourceGroup;
use crate::ResourceType;
use crate::shape::read;
use crate::testing::{GROUP, Scene};

#[rstest]
#[case::plain("rg")]
#[case::every_sign("a_b-c.d(e)1")]
#[case::longest(&"a".repeat(90))]
fn a_good_name_is_taken(#[case] name: &str) {
    assert_eq!(ResourceGroup.check_name(name), Ok(()));
}

#[rstest]
#[case::empty("", "between 1 and 90")]
#[case::long(&"a".repeat(91), "has 91 characters")]
#[case::ends_in_a_period("rg.", "must not end with a period")]
#[case::strange("a b/c", "has these invalid characters: ' /'")]
fn a_bad_name_is_refused(#[case] name: &str, #[case] words: &str) {
    let refusal = ResourceGroup.check_name(name).unwrap_err();
    assert_eq!((refusal.status, refusal.detail.code.as_str()), (400, "InvalidResourceGroup"));
    assert!(refusal.detail.message.contains(words), "{refusal}");
}

#[test]
fn a_group_has_no_properties_of_its_own() {
    let scene = Scene::new(&ResourceGroup, GROUP);
    assert_eq!(scene.properties(json!({"provisioningState": "Succeeded"})), json!({}));
    assert!(scene.put(json!({})).unwrap().work.is_none());
}

#[test]
fn who_manages_it_stands_beside_the_properties() {
    let read = read(
        ResourceGroup.envelope(),
        &json!({"MANAGEDBY": "/subscriptions/x", "other": 1}),
        "resourceGroup",
    )
    .unwrap();
    assert_eq!(read.stored.get("managedBy"), Some(&json!("/subscriptions/x")));
    assert_eq!(read.stored.len(), 1);
}
