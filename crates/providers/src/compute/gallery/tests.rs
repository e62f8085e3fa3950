//! Every rule of galleries as a table of bodies and answers.

mod sharing;

use rstest::rstest;
use serde_json::{Value, json};

use super::Gallery;
use crate::testing::{Scene, check_refusal, compute};
use crate::{Query, ResourceType, Show};

/// A community gallery with this prefix.
pub(super) fn community(prefix: &str) -> Value {
    json!({"sharingProfile": {"permissions": "Community", "communityGalleryInfo": {
        "publisherUri": "https://contoso.example", "publisherContact": "images@contoso.example", "eula": "https://e",
        "publicNamePrefix": prefix,
    }}})
}

pub(super) fn gallery() -> Scene {
    Scene::new(&Gallery, &compute("galleries/Gallery1"))
}

#[test]
fn a_new_gallery_is_answered_whole() {
    let accepted = gallery()
        .put(json!({
            "DESCRIPTION": "our images",
            "identifier": {},
            "softDeletePolicy": {"isSoftDeleteEnabled": "false", "retentionPeriodInDays": 7},
            "sharingProfile": {"permissions": "private", "groups": [{"type": "Subscriptions", "ids": ["x"]}]},
            "unknown": true,
            "sharingStatus": null,
        }))
        .unwrap();
    insta::assert_json_snapshot!(Value::Object(accepted.properties));
    assert_eq!(accepted.claims, ["/subscriptions/11111111-1111-1111-1111-111111111111/galleries/gallery1"]);
    assert_eq!(accepted.work, None);
}

#[rstest]
#[case::half_a_community(json!({"sharingProfile": {"permissions": "Community", "communityGalleryInfo": {"eula": "x", "publisherUri": "", "publicNamePrefix": "p"}}}),
    "InvalidParameter", "gallery.properties.sharingProfile.communityGalleryInfo.publisherUri", "Required parameter")]
#[case::an_undescribed_community(json!({"sharingProfile": {"permissions": "Community"}}),
    "InvalidParameter", "gallery.properties.sharingProfile.communityGalleryInfo.publisherUri", "Required parameter")]
#[case::a_short_prefix(
    community("abcd"),
    "InvalidParameter",
    "gallery.properties.sharingProfile.communityGalleryInfo.publicNamePrefix",
    "5 to 16"
)]
#[case::a_long_prefix(
    community("abcdefghijklmnopq"),
    "InvalidParameter",
    "gallery.properties.sharingProfile.communityGalleryInfo.publicNamePrefix",
    "5 to 16"
)]
#[case::a_strange_prefix(
    community("con-toso"),
    "InvalidParameter",
    "gallery.properties.sharingProfile.communityGalleryInfo.publicNamePrefix",
    "letters and digits"
)]
#[case::a_described_private_gallery(json!({"sharingProfile": {"communityGalleryInfo": {"eula": "x"}}}),
    "InvalidParameter", "gallery.properties.sharingProfile.communityGalleryInfo", "it is 'Private'")]
#[case::a_described_group_gallery(json!({"sharingProfile": {"permissions": "Groups", "communityGalleryInfo": {"publicNamePrefix": "contoso"}}}),
    "InvalidParameter", "gallery.properties.sharingProfile.communityGalleryInfo", "it is 'Groups'")]
#[case::unknown_permissions(json!({"sharingProfile": {"permissions": "Public"}}), "InvalidParameter",
    "gallery.properties.sharingProfile.permissions", "Allowed values are: Private, Groups, Community")]
#[case::days(json!({"softDeletePolicy": {"retentionPeriodInDays": -1}}), "InvalidParameter",
    "gallery.properties.softDeletePolicy.retentionPeriodInDays", "out of range")]
fn what_a_gallery_may_not_be(
    #[case] body: Value,
    #[case] code: &str,
    #[case] target: &str,
    #[case] words: &str,
) {
    gallery().check_refused(body, code, target, words);
}

#[test]
fn the_kind_of_sharing_is_kept() {
    let scene = gallery().after(json!({}));
    scene.check_refused(
        json!({"sharingProfile": {"permissions": "Groups"}}),
        "InvalidParameter",
        "gallery.properties.sharingProfile.permissions",
        "from 'Private' to 'Groups'",
    );
    assert!(scene.put(json!({"sharingProfile": {"permissions": "Private"}})).is_ok());
}

#[rstest]
#[case::dash("my-gallery", "Dashes are not allowed")]
#[case::empty("", "is invalid")]
#[case::long(&"g".repeat(81), "1 to 80")]
#[case::leading("_g", "is invalid")]
#[case::trailing_period("g.", "invalid trailing characters")]
#[case::trailing_underscore("g_", "invalid trailing characters")]
#[case::foreign("gälerie", "is invalid")]
fn a_bad_name_is_refused(#[case] name: &str, #[case] words: &str) {
    check_refusal(&Gallery.check_name(name).unwrap_err(), "InvalidParameter", "gallery.name", words);
}

#[test]
fn a_good_name_is_taken() {
    for name in ["g", "My.Gallery_1", &"g".repeat(80)] {
        assert_eq!(Gallery.check_name(name), Ok(()), "{name}");
    }
}

#[test]
fn a_name_is_refused_in_words_when_another_group_has_it() {
    let holder = compute("galleries/gallery1").replace("/rg/", "/other/");
    let refusal = Gallery.taken(&serde_json::Map::new(), &gallery().id, &holder.parse().unwrap());
    check_refusal(&refusal, "Conflict", "gallery.name", "is not unique within the subscription");
    assert!(refusal.detail.message.contains("'other'"));
}

#[test]
fn the_identifier_is_the_servers() {
    let scene = gallery().after(json!({"identifier": {"uniqueName": "mine"}, "description": "d"}));
    let unique = "11111111-1111-1111-1111-111111111111-GALLERY1";
    assert_eq!(
        scene.properties(json!({"identifier": {"uniqueName": "other"}})),
        json!({"identifier": {"uniqueName": unique}})
    );
    assert_eq!(
        Value::Object(scene.patch(json!({})).unwrap().properties),
        json!({"identifier": {"uniqueName": unique}, "description": "d"})
    );
}

#[rstest]
#[case::plain(None, None, None)]
#[case::select(Some("permissions"), None, Some(json!({"permissions": "Private", "groups": []})))]
#[case::expand(None, Some("sharingProfile/Groups"), Some(json!({"permissions": "Private", "groups": []})))]
#[case::another(None, Some("something"), None)]
fn sharing_is_shown_when_asked_for(
    #[case] select: Option<&str>,
    #[case] expand: Option<&str>,
    #[case] wanted: Option<Value>,
) {
    let scene = gallery().after(json!({}));
    let query =
        Query { expand: expand.map(str::to_owned), select: select.map(str::to_owned), ..Query::default() };
    let stored = scene.current.as_ref().unwrap();
    let shown = Gallery.show(&Show { stored, query: &query, facets: &[] });
    assert_eq!(shown.get("sharingProfile"), wanted.as_ref());
    // What was shown may be sent back.
    assert!(scene.put(Value::Object(shown)).is_ok());
}
