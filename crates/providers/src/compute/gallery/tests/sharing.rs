//! With whom a gallery is shared: every operation as a table, and what consumers are told apart by.

use rstest::rstest;
use serde_json::{Value, json};

use super::{community, gallery};
use crate::compute::gallery::{
    Consumer, claim_of_public_name, claim_of_unique_name, is_public, is_shared_with, public_name, unique_name,
};
use crate::compute::image_definition::ImageDefinition;
use crate::compute::image_version::ImageVersion;
use crate::testing::{Scene, check_refusal, compute, stored};
use crate::{Acted, Answer, Query, Rejection};

const SUBSCRIPTION: &str = "22222222-2222-2222-2222-222222222222";
const TENANT: &str = "33333333-3333-3333-3333-333333333333";
const OWN: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/galleries/gallery1";

fn groups() -> Scene {
    gallery().after(json!({"sharingProfile": {"permissions": "Groups"}}))
}

fn subscriptions(ids: &[&str]) -> Value {
    json!({"type": "Subscriptions", "ids": ids})
}

fn tenants(ids: &[&str]) -> Value {
    json!({"type": "AADTenants", "ids": ids})
}

fn share(scene: &Scene, operation: &str, groups: &[Value]) -> Result<Acted, Rejection> {
    scene.act("share", json!({"operationType": operation, "groups": groups}))
}

/// The scene after the operation was done.
fn shared(mut scene: Scene, operation: &str, groups: &[Value]) -> Scene {
    let acted = share(&scene, operation, groups).unwrap();
    scene.current.as_mut().unwrap().document.properties = acted.properties.unwrap();
    scene
}

fn profile(scene: &Scene) -> Value {
    shown(scene, Some("Permissions"))["sharingProfile"].clone()
}

fn shown(scene: &Scene, select: Option<&str>) -> Value {
    let query = Query { select: select.map(str::to_owned), ..Query::default() };
    let stored = scene.current.as_ref().unwrap();
    Value::Object(scene.kind.show(&crate::Show { stored, query: &query, facets: &[] }))
}

fn id(number: u128) -> String {
    uuid::Uuid::from_u128(number).to_string()
}

#[test]
fn ids_are_merged_by_kind_and_the_last_one_takes_its_group_with_it() {
    let scene = shared(groups(), "Add", &[subscriptions(&[SUBSCRIPTION])]);
    let scene = shared(scene, "Add", &[tenants(&[TENANT]), subscriptions(&[SUBSCRIPTION, &id(9)])]);
    let both = json!({"permissions": "Groups", "groups": [subscriptions(&[SUBSCRIPTION, &id(9)]), tenants(&[TENANT])]});
    assert_eq!(profile(&scene), both);
    assert_eq!(shown(&scene, None)["sharingProfile"], json!({"permissions": "Groups"}));
    assert_eq!(shown(&scene, None).get("sharingStatus"), None);
    let status = shown(&scene, Some("Permissions"))["sharingStatus"].clone();
    assert_eq!(status["aggregatedState"], "Succeeded");
    assert_eq!(status["summary"][0], json!({"region": "East US 2", "state": "Succeeded"}));
    let scene = shared(scene, "Remove", &[subscriptions(&[SUBSCRIPTION, &id(9), &id(10)])]);
    assert_eq!(profile(&scene)["groups"], json!([tenants(&[TENANT])]));
    let scene = shared(scene, "Remove", &[tenants(&[&TENANT.to_uppercase()])]);
    assert_eq!(profile(&scene), json!({"permissions": "Groups", "groups": []}));
}

#[test]
fn what_was_shared_stays_through_a_put_of_anything() {
    let scene = shared(groups(), "Add", &[subscriptions(&[SUBSCRIPTION])]);
    let stands = Value::Object(scene.current.clone().unwrap().document.properties);
    for sent in [
        json!({}),
        json!({"sharingProfile": {}}),
        json!({"sharingProfile": {"permissions": "groups", "groups": []}}),
        json!({"sharingProfile": {"groups": [subscriptions(&[&id(1)])]}}),
        shown(&scene, Some("Permissions")),
        shown(&scene, None),
    ] {
        let accepted = scene.put(sent.clone()).unwrap();
        assert_eq!(Value::Object(accepted.properties), stands, "{sent}");
        assert_eq!(accepted.claims.len(), 2, "{sent}");
    }
}

#[test]
fn it_is_found_by_whom_it_is_shared_with_and_by_its_name() {
    let acted = share(&groups(), "Add", &[subscriptions(&[SUBSCRIPTION]), tenants(&[TENANT])]).unwrap();
    let scene = shared(groups(), "Add", &[subscriptions(&[SUBSCRIPTION]), tenants(&[TENANT])]);
    let gallery = scene.current.unwrap();
    let name = unique_name(&gallery.id);
    assert_eq!(name, "11111111-1111-1111-1111-111111111111-GALLERY1");
    let consumers = [Consumer::Subscription(SUBSCRIPTION), Consumer::Tenant(TENANT)];
    let mut wanted = vec![OWN.to_owned()];
    wanted.extend(consumers.map(|consumer| format!("{}{}", consumer.claim_prefix(), name.to_lowercase())));
    assert_eq!(acted.claims, Some(wanted));
    assert_eq!(claim_of_unique_name(&name.to_lowercase()).as_deref(), Some(OWN));
    for no_name in
        ["", "gallery1", "11111111-1111-1111-1111-111111111111", "11111111-1111-1111-1111-111111111111-"]
    {
        assert_eq!(claim_of_unique_name(no_name), None, "{no_name}");
    }
    for (consumer, wanted) in [
        (Consumer::Subscription(SUBSCRIPTION), true),
        (Consumer::Subscription(TENANT), false),
        (Consumer::Subscription("not a guid"), false),
        (Consumer::Tenant(TENANT), true),
        (Consumer::Tenant(SUBSCRIPTION), false),
        (Consumer::Tenant("not a guid"), false),
    ] {
        assert_eq!(is_shared_with(&gallery, consumer), wanted, "{consumer:?}");
    }
    assert!(!is_public(&gallery));
}

#[test]
fn a_community_gallery_is_public_once_it_is_enabled() {
    let scene = gallery().after(community("contoso"));
    let gallery_of = |scene: &Scene| scene.current.clone().unwrap();
    let name = public_name(&gallery_of(&scene)).unwrap().to_owned();
    let (prefix, guid) = name.split_once('-').unwrap();
    assert!(prefix == "contoso" && guid.parse::<uuid::Uuid>().is_ok(), "{name}");
    assert_eq!(profile(&scene)["communityGalleryInfo"]["communityGalleryEnabled"], false);
    assert!(!is_public(&gallery_of(&scene)));
    assert_eq!(scene.put(json!({})).unwrap().claims, [OWN]);
    let acted = share(&scene, "EnableCommunity", &[]).unwrap();
    assert_eq!(acted.claims, Some(vec![OWN.to_owned(), claim_of_public_name(&name.to_uppercase())]));
    let scene = shared(scene, "EnableCommunity", &[]);
    assert!(is_public(&gallery_of(&scene)));
    // A later PUT keeps the name, and what it does not say.
    let kept = scene.properties(json!({"sharingProfile": {"communityGalleryInfo": {"eula": "new"}}}));
    let info = &kept["sharingProfile"]["communityGalleryInfo"];
    assert_eq!((&info["publicNames"], &info["eula"]), (&json!([name]), &json!("new")));
    assert_eq!(
        (&info["publisherUri"], &info["communityGalleryEnabled"]),
        (&json!("https://contoso.example"), &json!(true))
    );
    scene.check_refused(
        json!({"sharingProfile": {"communityGalleryInfo": {"publicNamePrefix": "fabrikam"}}}),
        "PropertyChangeNotAllowed",
        "gallery.properties.sharingProfile.communityGalleryInfo.publicNamePrefix",
        "is not allowed",
    );
}

#[rstest]
#[case::groups(shared(groups(), "Add", &[subscriptions(&[SUBSCRIPTION])]))]
#[case::community(shared(gallery().after(community("contoso")), "EnableCommunity", &[]))]
#[case::private(gallery().after(json!({})))]
fn a_reset_makes_it_private_for_good(#[case] scene: Scene) {
    let acted = share(&scene, "Reset", &[]).unwrap();
    assert_eq!(acted.claims, Some(vec![OWN.to_owned()]));
    let scene = shared(scene, "Reset", &[]);
    assert_eq!(shown(&scene, None)["sharingProfile"], json!({"permissions": "Private"}));
    assert!(!is_shared_with(scene.current.as_ref().unwrap(), Consumer::Subscription(SUBSCRIPTION)));
    assert!(!is_public(scene.current.as_ref().unwrap()));
    scene.check_refused(
        json!({"sharingProfile": {"permissions": "Groups"}}),
        "InvalidParameter",
        "gallery.properties.sharingProfile.permissions",
        "from 'Private' to 'Groups'",
    );
    assert!(scene.put(shown(&scene, None)).is_ok());
    assert!(share(&scene, "Add", &[subscriptions(&[SUBSCRIPTION])]).is_err());
}

#[rstest]
#[case::nothing(groups(), json!({}), "InvalidParameter", "sharingUpdate.operationType", "Required parameter")]
#[case::nobody(groups(), json!({"operationType": "add", "groups": []}), "InvalidParameter", "sharingUpdate.groups", "Required")]
#[case::no_ids(groups(), json!({"operationType": "Add", "groups": [{"type": "Subscriptions", "ids": []}]}), "InvalidParameter", "sharingUpdate.groups", "Required")]
#[case::nobody_removed(groups(), json!({"operationType": "Remove"}), "InvalidParameter", "sharingUpdate.groups", "Required")]
#[case::no_kind(groups(), json!({"operationType": "Add", "groups": [{"ids": [SUBSCRIPTION]}]}), "InvalidParameter", "sharingUpdate.groups[0].type", "Required")]
#[case::no_guid(groups(), json!({"operationType": "Add", "groups": [{"type": "AADTenants", "ids": [TENANT, "contoso.com"]}]}), "InvalidParameter", "sharingUpdate.groups[0].ids[1]", "no GUID")]
#[case::nil(groups(), json!({"operationType": "Add", "groups": [{"type": "AADTenants", "ids": [id(0)]}]}), "InvalidParameter", "sharingUpdate.groups[0].ids[0]", "no GUID")]
#[case::private(gallery().after(json!({})), json!({"operationType": "Add", "groups": [{"type": "AADTenants", "ids": [TENANT]}]}), "OperationNotAllowed", "sharingUpdate.operationType", "'Groups'; gallery 'Gallery1' has 'Private'")]
#[case::community_of_groups(groups(), json!({"operationType": "EnableCommunity", "groups": []}), "OperationNotAllowed", "sharingUpdate.operationType", "'Community'; gallery 'Gallery1' has 'Groups'")]
#[case::groups_of_a_community(gallery().after(community("contoso")), json!({"operationType": "Remove", "groups": [{"type": "AADTenants", "ids": [TENANT]}]}), "OperationNotAllowed", "sharingUpdate.operationType", "has 'Community'")]
fn what_is_not_shared(
    #[case] scene: Scene,
    #[case] body: Value,
    #[case] code: &str,
    #[case] target: &str,
    #[case] words: &str,
) {
    check_refusal(&scene.act("share", body).unwrap_err(), code, target, words);
}

#[test]
fn thirty_subscriptions_and_five_tenants_are_the_most() {
    let many = |from: u128, to: u128| -> Vec<String> { (from..to).map(id).collect() };
    let borrowed = |ids: &[String]| -> Value { json!(ids) };
    for (kind, most) in [("Subscriptions", 30), ("AADTenants", 5)] {
        let group = |from, to| json!({"type": kind, "ids": borrowed(&many(from, to))});
        let scene = shared(groups(), "Add", &[group(1, most + 1)]);
        assert!(share(&scene, "Add", &[group(1, most + 1)]).is_ok(), "the same again is no more");
        let refusal = share(&scene, "Add", &[group(most + 1, most + 2)]).unwrap_err();
        check_refusal(&refusal, "InvalidParameter", "sharingUpdate.groups", &format!("at most {most}"));
        let twice = share(&groups(), "Add", &[group(1, 3), group(2, most + 1)]).unwrap();
        assert!(twice.properties.is_some(), "an id that is said twice counts once");
    }
}

#[test]
fn the_answer_is_an_operation_that_says_what_was_asked() {
    let sent = json!({"operationType": "Add", "groups": [subscriptions(&[SUBSCRIPTION])]});
    let acted = groups().act("share", sent.clone()).unwrap();
    assert_eq!(acted.answer, Answer::Operation(sent));
    assert_eq!((acted.work, acted.internal), (None, None));
}

#[rstest]
#[case("TrustedLaunch", false)]
#[case("ConfidentialVM", false)]
#[case("TrustedLaunchSupported", true)]
#[case("Standard", true)]
fn what_must_be_trusted_is_made_of_private_galleries_only(#[case] kind: &str, #[case] may_be_shared: bool) {
    let body = json!({
        "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2",
        "identifier": {"publisher": "p", "offer": "o", "sku": "s"},
        "features": [{"name": "SecurityType", "value": kind}],
    });
    let in_gallery = |scene: Scene| {
        let mut definition = Scene::new(&ImageDefinition, &compute("galleries/Gallery1/images/d"));
        definition.parent = scene.current;
        definition
    };
    for shared in [groups(), gallery().after(community("contoso"))] {
        let definition = in_gallery(shared);
        if may_be_shared {
            assert!(definition.put(body.clone()).is_ok());
        } else {
            definition.check_refused(
                body.clone(),
                "BadRequest",
                "galleryImage.properties.features",
                "private gallery",
            );
        }
    }
    assert!(in_gallery(gallery().after(json!({}))).put(body).is_ok());
}

#[test]
fn what_is_encrypted_with_own_keys_is_not_shared() {
    let mut scene = Scene::new(&ImageVersion, &compute("galleries/Gallery1/images/d/versions/1.0.0"));
    scene.parent = Some(stored(
        &compute("galleries/Gallery1/images/d"),
        json!({"osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2"}),
    ));
    let encryption = json!({"osDiskImage": {"diskEncryptionSetId": compute("diskEncryptionSets/s")}});
    let body = json!({
        "storageProfile": {"osDiskImage": {"source": {"uri": "https://acc.blob.core.windows.net/vhds/os.vhd"}}},
        "publishingProfile": {"targetRegions": [{"name": "westeurope", "encryption": encryption}]},
    });
    scene.grandparent = groups().current;
    scene.check_refused(
        body.clone(),
        "BadRequest",
        "galleryImageVersion.properties.publishingProfile.targetRegions.encryption",
        "private gallery",
    );
    scene.grandparent = gallery().after(json!({})).current;
    assert!(scene.put(body).is_ok());
}
