//! The marketplace: listed by the operator, walked by everybody.

mod following;
mod importing;
mod terms;
mod walking;

use control::{Method, Reply};
use serde_json::{Value, json};

use crate::world::{Ask, SUBSCRIPTION, World, body, version, version_body};

const MARKETPLACE: &str = "/providers/Gallerist.Images/marketplaces/default";

fn images(region: &str, path: &str) -> String {
    format!("{SUBSCRIPTION}/providers/Microsoft.Compute/locations/{region}/publishers{path}")
}

/// The path of the versions of `Canonical:ubuntu:server`.
fn versions(region: &str, query: &str) -> String {
    let query = if query.is_empty() { String::new() } else { format!("&{query}") };
    let path = "/Canonical/artifacttypes/vmimage/offers/ubuntu/skus/server/versions";
    format!("{}?api-version=2024-11-01{query}", images(region, path))
}

fn catalogue(sku: &Value) -> Value {
    json!({"publishers": [{"name": "Canonical", "offers": [{"name": "ubuntu", "skus": [sku]}]}]})
}

/// A SKU `server` with these versions.
fn sku(names: &[&str]) -> Value {
    let versions: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    json!({"name": "server", "osType": "Linux", "versions": versions})
}

async fn import(world: &World, catalogue: &Value) -> Reply {
    world.send(Ask::new(Method::Post, &format!("{MARKETPLACE}/import")).json(catalogue)).await
}

/// Imports what must be taken; answers how many entries were created, updated and left alone.
async fn imported(world: &World, catalogue: &Value) -> [u64; 3] {
    let reply = import(world, catalogue).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    ["created", "updated", "unchanged"].map(|name| body(&reply)[name].as_u64().unwrap())
}

/// The names in a bare list.
async fn names(world: &World, path: &str) -> Vec<String> {
    let reply = world.get(path).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let items = body(&reply).as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// A version of the gallery, published, complete in these regions.
async fn published(world: &World, name: &str, regions: &[&str]) {
    let made = world.put(&version(name), &version_body()).await;
    assert_eq!(made.status, 201, "{made:?}");
    world.finish_jobs().await;
    for region in regions {
        complete(world, name, region).await;
    }
}

async fn complete(world: &World, name: &str, region: &str) {
    use metadata::Store as _;
    let id = version(name).parse().unwrap();
    let facet = format!("replica/{region}");
    world.rows.put_facet(&id, &facet, &json!({"state": "Completed"})).await.unwrap();
}
