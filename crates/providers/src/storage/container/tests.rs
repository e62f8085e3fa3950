//! What a container may be called, and what a PUT leaves.

use rstest::rstest;
use serde_json::json;

use super::{Container, check_name};
use crate::testing::{GROUP, Scene, check_refusal};

fn container() -> Scene {
    let id = format!(
        "{GROUP}/providers/Microsoft.Storage/storageAccounts/acct/blobServices/default/containers/vhds"
    );
    Scene::new(&Container, &id)
}

#[rstest]
#[case("vhd", true)]
#[case("a-1-b", true)]
#[case("ab", false)]
#[case("-abc", false)]
#[case("abc-", false)]
#[case("a--b", false)]
#[case("Vhds", false)]
#[case("a_b", false)]
#[case("a.b", false)]
#[case("ümläut", false)]
fn a_name_is_lower_case_letters_digits_and_single_dashes(#[case] name: &str, #[case] allowed: bool) {
    match check_name(name) {
        Ok(()) => assert!(allowed, "{name}"),
        Err(refusal) => {
            assert!(!allowed, "{name}");
            check_refusal(&refusal, "InvalidParameter", "container.name", "3 to 63 lower-case letters");
        }
    }
}

#[test]
fn a_new_container_is_private_and_keeps_what_it_is() {
    let scene = container().after(json!({}));
    assert_eq!(scene.get(None, &[])["publicAccess"], "None");
    let scene = scene.after(json!({"publicAccess": "blob", "metadata": {"a": "1"}}));
    assert_eq!(scene.get(None, &[])["publicAccess"], "Blob");
    let again = scene.after(json!({}));
    assert_eq!(again.get(None, &[])["publicAccess"], "Blob");
    assert_eq!(again.get(None, &[])["leaseState"], "Available");
}
