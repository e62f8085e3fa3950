//! Publishers, offers, SKUs and versions as Azure's clients walk them.

use rstest::rstest;
use serde_json::{Value, json};

use super::{catalogue, images, imported, names, sku, versions};
use crate::world::{Ask, World, body, code, message};
use control::Method;

const NUMBERS: [&str; 4] = ["18.04.9", "18.04.10", "20.04.1", "22.04.202401161"];

async fn listed() -> World {
    let world = World::empty().await;
    // Out of order: what is listed is ordered by number.
    imported(&world, &catalogue(&sku(&["22.04.202401161", "18.04.10", "20.04.1", "18.04.9"]))).await;
    let other =
        json!({"publishers": [{"name": "acme", "offers": [{"name": "box", "skus": []}]}, {"name": "Zeta"}]});
    imported(&world, &other).await;
    world
}

#[tokio::test]
async fn every_level_is_a_bare_list() {
    let world = listed().await;
    assert_eq!(names(&world, &images("westeurope", "")).await, ["acme", "Canonical", "Zeta"]);
    let offers = "/canonical/artifacttypes/VMImage/offers";
    assert_eq!(names(&world, &images("northeurope", offers)).await, ["ubuntu"]);
    assert_eq!(names(&world, &images("westeurope", &format!("{offers}/UBUNTU/skus"))).await, ["server"]);
    assert_eq!(names(&world, &images("westeurope", "/Zeta/artifacttypes/vmimage/offers")).await, [""; 0]);
    assert_eq!(names(&world, &versions("westeurope", "")).await, NUMBERS);
    let first = world.get(&versions("westeurope", "$top=1")).await;
    assert_eq!(
        body(&first)[0],
        json!({
            "location": "westeurope", "name": "18.04.9",
            "id": "/Subscriptions/11111111-1111-1111-1111-111111111111/Providers/Microsoft.Compute/Locations/westeurope/Publishers/Canonical/ArtifactTypes/VMImage/Offers/ubuntu/Skus/server/Versions/18.04.9",
        })
    );
    let publisher = world.get(&images("westeurope", "")).await;
    let id = "/Subscriptions/11111111-1111-1111-1111-111111111111/Providers/Microsoft.Compute/Locations/westeurope/Publishers/acme";
    assert_eq!(body(&publisher)[0]["id"], id);
}

#[tokio::test]
async fn versions_are_chosen_by_number() {
    let world = listed().await;
    for (query, wanted) in [
        ("$orderby=name%20desc&$top=1", vec!["22.04.202401161"]),
        ("$orderby=name%20desc", vec!["22.04.202401161", "20.04.1", "18.04.10", "18.04.9"]),
        ("$orderby=name&$top=2", vec!["18.04.9", "18.04.10"]),
        ("$top=0", vec![]),
        ("$filter=startswith(name,%20'18.04')&$orderby=name%20desc&$top=1", vec!["18.04.10"]),
    ] {
        assert_eq!(names(&world, &versions("westeurope", query)).await, wanted, "{query}");
    }
    for query in ["$orderby=size", "$top=x", "$top=-1", "$filter=name%20eq%20'x'", "$expand=everything"] {
        let refused = world.get(&versions("westeurope", query)).await;
        assert_eq!(refused.status, 400, "{query}: {refused:?}");
    }
}

#[tokio::test]
async fn as_much_is_told_as_was_asked() {
    let world = listed().await;
    let list = |query: &str| versions("westeurope", query);
    assert_eq!(body(&world.get(&list("")).await)[0].get("properties"), None);
    let all = world.get(&list("$expand=properties&$top=1")).await;
    let one = world.get(&versions("westeurope", "").replace("/versions?", "/versions/18.04.9?")).await;
    assert_eq!(&body(&all)[0], body(&one));
    assert_eq!(body(&one)["properties"]["osDiskImage"]["operatingSystem"], "Linux");
    let some = world.get(&list("$expand=properties/imageDeprecationStatus&$top=1")).await;
    assert_eq!(
        body(&some)[0]["properties"],
        json!({
            "imageDeprecationStatus": {"imageState": "Active", "scheduledDeprecationTime": null},
            "hyperVGeneration": "V2", "architecture": "x64", "replicaType": "Unmanaged", "replicaCount": null,
            "goLiveDate": null,
        })
    );
}

#[rstest]
#[case("/nobody/artifacttypes/vmimage/offers", "Publisher: nobody was not found.")]
#[case("/Canonical/artifacttypes/vmimage/offers/none/skus", "Offer: none was not found.")]
#[case("/nobody/artifacttypes/vmimage/offers/none/skus", "Publisher: nobody was not found.")]
#[case("/Canonical/artifacttypes/vmimage/offers/ubuntu/skus/none/versions", "Sku: none was not found.")]
#[case("/Canonical/artifacttypes/vmimage/offers/none/skus/none/versions", "Offer: none was not found.")]
#[case(
    "/Canonical/artifacttypes/vmimage/offers/ubuntu/skus/server/versions/1.0.0",
    "Version: 1.0.0 was not found."
)]
#[case("/Canonical/artifacttypes/other/offers", "Artifact: other was not found.")]
#[tokio::test]
async fn what_is_missing_is_named(#[case] path: &str, #[case] words: &str) {
    let world = listed().await;
    let reply = world.get(&images("westeurope", path)).await;
    assert_eq!((reply.status, code(&reply), message(&reply)), (404, "NotFound", words));
}

#[tokio::test]
async fn there_are_no_extensions_and_no_edge_zones() {
    let world = listed().await;
    assert_eq!(
        names(&world, &images("westeurope", "/Canonical/artifacttypes/vmextension/types")).await,
        [""; 0]
    );
    let zones = images("westeurope", "").replace("/publishers", "/edgeZones");
    assert_eq!(body(&world.get(&zones).await), &json!({"value": []}));
    for path in ["/z1/publishers", "/z1/publishers/p/artifacttypes/vmimage/offers", "/z1/vmimages", "/z1"] {
        let reply = world.get(&format!("{zones}{path}")).await;
        assert_eq!((reply.status, code(&reply)), (404, "NotFound"), "{path}");
        assert!(message(&reply).contains("no edge zones"), "{reply:?}");
    }
    let elsewhere = world.get(&images("mars", "")).await;
    assert_eq!(code(&elsewhere), "LocationNotAvailableForResourceType");
}

#[tokio::test]
async fn who_has_no_right_learns_nothing() {
    let world = listed().await;
    for (method, path) in [
        (Method::Get, images("westeurope", "")),
        (Method::Get, versions("westeurope", "")),
        (Method::Get, format!("{}/publishers", super::MARKETPLACE)),
        (Method::Post, format!("{}/import", super::MARKETPLACE)),
        (Method::Delete, format!("{}/publishers/Canonical", super::MARKETPLACE)),
    ] {
        let reply = world.send(Ask::new(method, &path).json(&Value::Null).by("stranger")).await;
        assert_eq!((reply.status, code(&reply)), (403, "AuthorizationFailed"), "{path}");
    }
}
