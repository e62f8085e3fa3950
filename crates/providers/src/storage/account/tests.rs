//! What a storage account may be called, what a PUT leaves, and who is told the keys.

use rstest::rstest;
use serde_json::{Value, json};

use super::{StorageAccount, check_name};
use crate::testing::{GROUP, Scene, check_refusal};
use crate::{Answer, ResourceType};

fn account() -> Scene {
    Scene::new(&StorageAccount, &format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/acct"))
}

fn keys(answer: &Answer) -> Vec<Value> {
    let Answer::Body(body) = answer else { panic!("{answer:?}") };
    body["keys"].as_array().unwrap().clone()
}

#[rstest]
#[case("abc", true)]
#[case("012345678901234567890123", true)]
#[case("ab", false)]
#[case("0123456789012345678901234", false)]
#[case("Abc", false)]
#[case("a-b", false)]
#[case("subscriptions", false)]
#[case("gallerist", false)]
#[case("metadata", false)]
fn a_name_is_lower_case_letters_and_digits_and_no_address_of_ours(#[case] name: &str, #[case] allowed: bool) {
    match check_name(name) {
        Ok(()) => assert!(allowed, "{name}"),
        Err(refusal) => {
            assert!(!allowed, "{name}");
            check_refusal(
                &refusal,
                "InvalidParameter",
                "storageAccount.name",
                "not a valid storage account name",
            );
        }
    }
}

#[test]
fn a_new_account_is_answered_whole() {
    let scene = account();
    let accepted = scene.put(json!({})).unwrap();
    assert_eq!(accepted.claims, ["storage account acct"]);
    assert_eq!(accepted.brings.len(), 1);
    assert!(accepted.brings[0].id.to_string().ends_with("/storageAccounts/acct/blobServices/default"));
    let scene = scene.standing(accepted, crate::State::Succeeded);
    let shown = scene.get(None, &[]);
    assert_eq!(shown["primaryEndpoints"]["blob"], "/acct/");
    assert_eq!(shown["creationTime"], "2027-01-01T00:00:00+00:00");
    assert_eq!(shown["keyCreationTime"]["key2"], "2027-01-01T00:00:00+00:00");
    assert!(!shown.to_string().contains("secret"));
    let envelope = &scene.current.as_ref().unwrap().document.envelope;
    assert_eq!(envelope["sku"], json!({"name": "Standard_LRS", "tier": "Standard"}));
    assert_eq!(envelope["kind"], "StorageV2");
}

#[test]
fn an_update_keeps_what_it_does_not_name_and_the_keys() {
    let scene = account().after(json!({"accessTier": "Cool", "allowSharedKeyAccess": false}));
    let accepted = scene.put(json!({"minimumTlsVersion": "TLS1_3"})).unwrap();
    assert_eq!(accepted.properties["accessTier"], "Cool");
    assert_eq!(accepted.properties["allowSharedKeyAccess"], false);
    assert_eq!(accepted.properties["minimumTlsVersion"], "TLS1_3");
    assert_eq!(accepted.internal, None);
}

#[test]
fn keys_are_listed_and_made_anew_one_by_one() {
    let mut scene = account().after(json!({}));
    let listed = keys(&scene.act("listKeys", json!({})).unwrap().answer);
    assert_eq!(listed.len(), 2);
    for key in &listed {
        assert_eq!(key["permissions"], "FULL");
        assert_eq!(key["value"]["secret"].as_str().unwrap().len(), 88);
    }
    scene.current.as_mut().unwrap().document.internal["keys"][1]["value"]["secret"] = "old".into();
    let acted = scene.act("regenerateKey", json!({"keyName": "key2"})).unwrap();
    let (told, noted) = (keys(&acted.answer), acted.internal.unwrap());
    assert_eq!(told[0]["value"], listed[0]["value"]);
    assert_ne!(told[1]["value"]["secret"], "old");
    assert_eq!(noted["keys"][1]["value"], told[1]["value"]);
    let refusal = scene.act("regenerateKey", json!({"keyName": "key3"})).unwrap_err();
    check_refusal(&refusal, "InvalidParameter", "regenerateKey.keyName", "key1, key2");
}

#[test]
fn a_name_in_use_is_refused_in_azures_words() {
    let id = account().id;
    let refusal = StorageAccount.taken(&serde_json::Map::new(), &id, &id);
    assert_eq!((refusal.status, refusal.detail.code.as_str()), (409, "StorageAccountAlreadyTaken"));
}
