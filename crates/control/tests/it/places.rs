//! Where a resource may be: its subscription, its group, its parent, its region.

use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{
    SUBSCRIPTION, World, body, code, compute, definition_body, gallery, group, message, version_body,
};

#[rstest]
#[case::subscription(
    "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/rg",
    "SubscriptionNotFound"
)]
#[case::no_guid("/subscriptions/x/resourceGroups/rg", "SubscriptionNotFound")]
#[case::group(&format!("{SUBSCRIPTION}/resourceGroups/none/providers/Microsoft.Compute/galleries/g"), "ResourceGroupNotFound")]
#[case::gallery(&compute("galleries/none/images/d"), "ParentResourceNotFound")]
#[case::definition(&compute("galleries/g/images/none/versions/1.0.0"), "ParentResourceNotFound")]
#[case::grandparent(&compute("galleries/none/images/none/versions/1.0.0"), "ParentResourceNotFound")]
#[case::extended(
    &format!("{}/providers/Gallerist.Images/uploads/u", compute("galleries/g/images/none")),
    "ParentResourceNotFound"
)]
#[tokio::test]
async fn nothing_is_made_where_its_place_is_missing(#[case] path: &str, #[case] wanted: &str) {
    let world = World::furnished().await;
    let body = if path.contains("versions") { version_body() } else { definition_body("x") };
    let before = world.activity().await.len();
    let reply = world.put(path, &body).await;
    assert_eq!((reply.status, code(&reply)), (404, wanted), "{reply:?}");
    assert_eq!(world.activity().await.len(), before);
}

#[tokio::test]
async fn the_missing_parent_is_named() {
    let world = World::furnished().await;
    let reply = world.put(&compute("galleries/g/images/none/versions/1.0.0"), &version_body()).await;
    assert!(message(&reply).contains("Parent resource 'g/none' not found."), "{reply:?}");
}

#[rstest]
#[case::group(format!("{SUBSCRIPTION}/resourceGroups/none"), "ResourceGroupNotFound")]
#[case::in_no_group(format!("{SUBSCRIPTION}/resourceGroups/none/providers/Microsoft.Compute/galleries/g"), "ResourceGroupNotFound")]
#[case::gallery(compute("galleries/none"), "ResourceNotFound")]
#[case::version(compute("galleries/g/images/d/versions/9.9.9"), "ResourceNotFound")]
#[case::list_of_no_group(format!("{SUBSCRIPTION}/resourceGroups/none/providers/Microsoft.Compute/galleries"), "ResourceGroupNotFound")]
#[case::list_of_no_gallery(compute("galleries/none/images"), "ResourceNotFound")]
#[case::everything_of_no_group(format!("{SUBSCRIPTION}/resourceGroups/none/resources"), "ResourceGroupNotFound")]
#[case::no_subscription("/subscriptions/x/resourcegroups".to_owned(), "SubscriptionNotFound")]
#[case::locations_of_no_subscription("/subscriptions/x/locations".to_owned(), "SubscriptionNotFound")]
#[case::providers_of_no_subscription("/subscriptions/x/providers".to_owned(), "SubscriptionNotFound")]
#[tokio::test]
async fn reading_says_what_is_missing(#[case] path: String, #[case] wanted: &str) {
    let world = World::furnished().await;
    let reply = world.get(&path).await;
    assert_eq!((reply.status, code(&reply)), (404, wanted), "{reply:?}");
}

#[tokio::test]
async fn what_is_not_found_is_named_with_its_chain() {
    let world = World::furnished().await;
    let reply = world.get(&compute("galleries/g/images/d/versions/9.9.9")).await;
    assert!(
        message(&reply).starts_with("The Resource 'Microsoft.Compute/galleries/g/images/d/versions/9.9.9' under resource group 'rg' was not found."),
        "{reply:?}"
    );
}

#[rstest]
#[case::missing(json!({}), 400, "LocationRequired")]
#[case::null(json!({"location": null}), 400, "LocationRequired")]
#[case::empty(json!({"location": ""}), 400, "LocationRequired")]
#[case::number(json!({"location": 5}), 400, "InvalidRequestContent")]
#[case::nowhere(json!({"location": "atlantis"}), 400, "LocationNotAvailableForResourceType")]
#[case::no_region(json!({"location": "../x\u{7}"}), 400, "LocationNotAvailableForResourceType")]
#[case::ours(json!({"location": "North Europe"}), 201, "")]
#[case::odd_case(json!({"LOCATION": "WestEurope"}), 201, "")]
#[tokio::test]
async fn a_new_resource_needs_a_region_of_ours(
    #[case] wanted: Value,
    #[case] status: u16,
    #[case] refusal: &str,
) {
    let world = World::furnished().await;
    let reply = world.put(&compute("galleries/new"), &wanted).await;
    assert_eq!((reply.status, code(&reply)), (status, refusal), "{reply:?}");
    if status == 201 {
        let sent = wanted.get("location").or(wanted.get("LOCATION")).unwrap();
        assert_eq!(&body(&reply)["location"], sent, "a location comes back as it was sent");
    }
}

#[tokio::test]
async fn a_resource_stays_in_its_region() {
    let world = World::furnished().await;
    for (path, moved, wanted) in [
        (gallery(), json!({"location": "northeurope"}), (409, "InvalidResourceLocation")),
        (gallery(), json!({"location": "atlantis"}), (409, "InvalidResourceLocation")),
        (group(), json!({"location": "northeurope"}), (409, "InvalidResourceGroupLocation")),
        (gallery(), json!({"location": "West Europe"}), (200, "")),
        (gallery(), json!({"location": ""}), (200, "")),
        (gallery(), json!({}), (200, "")),
    ] {
        let reply = world.put(&path, &moved).await;
        assert_eq!((reply.status, code(&reply)), wanted, "{moved}");
    }
    assert_eq!(body(&world.get(&gallery()).await)["location"], "westeurope");
}
