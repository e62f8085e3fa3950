//! What the marketplace costs does not grow with it, and its short names are told to everybody.

use control::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::counting::Cost;
use crate::scale::Large;
use crate::world::{TestServer, answer};

const OFFERS: usize = 1_000;
const VERSIONS: usize = 50;
/// Offers of one request.
const OFFERS_AT_ONCE: usize = 30;

const IMPORT: &str = "/providers/Gallerist.Images/marketplaces/default/import";

fn images(path: &str) -> String {
    format!(
        "/subscriptions/11111111-1111-1111-1111-111111111111/providers/Microsoft.Compute/locations/westeurope/publishers/{path}"
    )
}

/// Offers `from..to` of a publisher, each with one SKU of so many versions.
fn catalogue(publisher: &str, from: usize, to: usize) -> Value {
    let versions: Vec<Value> = (0..VERSIONS).map(|number| json!({"name": format!("1.{number}.7")})).collect();
    let offer = |number: usize| json!({"name": format!("offer-{number}"), "skus": [{"name": "sku", "osType": "Linux", "versions": versions}]});
    json!({"publishers": [{"name": publisher, "offers": (from..to).map(offer).collect::<Vec<_>>()}]})
}

async fn import(large: &Large, publisher: &str, offers: usize) {
    for from in (0..offers).step_by(OFFERS_AT_ONCE) {
        let to = offers.min(from + OFFERS_AT_ONCE);
        let reply = large.ask(Method::Post, IMPORT, &catalogue(publisher, from, to)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

/// What each call costs, and how many items it answers with.
async fn costs(large: &Large) -> Vec<(Cost, usize)> {
    let mut costs = Vec::new();
    for path in [
        "small/artifacttypes/vmimage/offers",
        "small/artifacttypes/vmimage/offers/offer-1/skus",
        "small/artifacttypes/vmimage/offers/offer-1/skus/sku/versions",
        "small/artifacttypes/vmimage/offers/offer-1/skus/sku/versions?api-version=2024-11-01&$top=1&$orderby=name%20desc",
        "small/artifacttypes/vmimage/offers/offer-1/skus/sku/versions/1.7.7",
    ] {
        large.store.take();
        let reply = large.ask(Method::Get, &images(path), &Value::Null).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        costs.push((large.store.take(), reply.body.unwrap().as_array().map_or(1, Vec::len)));
    }
    costs
}

#[tokio::test]
async fn fifty_thousand_versions_make_no_call_dearer() {
    let large = Large::with_definition().await;
    import(&large, "small", 3).await;
    let alone = costs(&large).await;
    import(&large, "large", OFFERS).await;
    assert_eq!(costs(&large).await, alone);

    let items: Vec<usize> = alone.iter().map(|(_, items)| *items).collect();
    assert_eq!(items, [3, 1, VERSIONS, 1, 1]);
    // Each row is read once, with what it stands in; a page at the end tells that there are no more.
    let reads: Vec<(usize, usize)> = alone.iter().map(|(cost, _)| (cost.reads, cost.rows)).collect();
    assert_eq!(reads, [(3, 4), (3, 2), (3, VERSIONS + 1), (2, 9), (2, 2)]);
}

#[tokio::test]
async fn short_names_are_told_before_anybody_signs_in() {
    let server = TestServer::start().await;
    let sku = json!({"name": "sku", "osType": "Windows", "alias": "Short"});
    let catalogue = json!({"publishers": [{"name": "p", "offers": [{"name": "o", "skus": [sku]}]}]});
    let imported = server.ask(reqwest::Method::POST, IMPORT, &catalogue).await;
    assert_eq!(imported.status, StatusCode::OK, "{}", imported.text);
    let document = answer(server.request(reqwest::Method::GET, "/aliases.json")).await;
    assert_eq!(document.status, StatusCode::OK);
    let image =
        json!({"publisher": "p", "offer": "o", "sku": "sku", "version": "latest", "architecture": "x64"});
    assert_eq!(
        document.json()["outputs"]["aliases"]["value"],
        json!({"Linux": {}, "Windows": {"Short": image}})
    );
    let endpoints = answer(server.request(reqwest::Method::GET, "/metadata/endpoints")).await;
    let address = endpoints.json()["vmImageAliasDoc"].as_str().unwrap().to_owned();
    assert_eq!(address, format!("{}/aliases.json", server.connection.arm_endpoint));
}
