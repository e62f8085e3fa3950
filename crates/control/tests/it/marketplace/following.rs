//! A SKU that follows a definition has whatever versions that has.

use serde_json::{Value, json};

use super::{catalogue, complete, import, imported, names, published, sku, versions};
use crate::world::{OTHER_SUBSCRIPTION, SUBSCRIPTION, World, body, code, definition, group, version};

fn following() -> Value {
    catalogue(&json!({"name": "server", "alias": "Own", "definition": definition()}))
}

#[tokio::test]
async fn versions_come_and_go_with_the_gallery() {
    let world = World::furnished().await;
    imported(&world, &following()).await;
    let west = versions("westeurope", "");
    assert_eq!(names(&world, &west).await, [""; 0]);
    published(&world, "1.0.9", &["westeurope"]).await;
    published(&world, "1.0.10", &[]).await;
    assert_eq!(names(&world, &west).await, ["1.0.9"], "what is not complete is not offered");
    // One region's name may begin with another's.
    complete(&world, "1.0.10", "westeurope2").await;
    assert_eq!(names(&world, &west).await, ["1.0.9"]);
    complete(&world, "1.0.10", "westeurope").await;
    assert_eq!(names(&world, &west).await, ["1.0.9", "1.0.10"]);
    assert_eq!(names(&world, &versions("northeurope", "")).await, [""; 0]);
    // Whoever asks in another subscription sees the same.
    let elsewhere = west.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION);
    assert_eq!(names(&world, &elsewhere).await, ["1.0.9", "1.0.10"]);
    let shown = world.get(&versions("westeurope", "$expand=properties&$orderby=name%20desc&$top=1")).await;
    let properties = &body(&shown)[0]["properties"];
    assert_eq!(
        (&properties["hyperVGeneration"], &properties["osDiskImage"]["operatingSystem"]),
        (&json!("V2"), &json!("Linux"))
    );
    let document = world.engine.image_aliases().await.unwrap();
    assert_eq!(document["outputs"]["aliases"]["value"]["Linux"]["Own"]["architecture"], "x64");

    assert_eq!(world.delete(&version("1.0.10")).await.status, 202);
    assert_eq!(names(&world, &west).await, ["1.0.9"]);
    assert_eq!(world.delete(&group()).await.status, 202);
    assert_eq!(names(&world, &west).await, [""; 0], "a definition that is gone has none");
}

#[tokio::test]
async fn what_is_excluded_from_latest_is_had_by_its_number_alone() {
    let world = World::furnished().await;
    imported(&world, &following()).await;
    published(&world, "1.0.0", &["westeurope"]).await;
    published(&world, "2.0.0", &["westeurope"]).await;
    let excluded = json!({"properties": {"publishingProfile": {"excludeFromLatest": true}}});
    assert_eq!(world.patch(&version("2.0.0"), &excluded).await.status, 200);
    world.finish_jobs().await;
    assert_eq!(names(&world, &versions("westeurope", "$orderby=name%20desc&$top=1")).await, ["1.0.0"]);
    let one = versions("westeurope", "").replace("/versions?", "/versions/2.0.0?");
    assert_eq!(world.get(&one).await.status, 200);
}

#[tokio::test]
async fn a_sku_that_follows_has_no_versions_of_its_own_any_more() {
    let world = World::furnished().await;
    imported(&world, &catalogue(&sku(&["22.04.1"]))).await;
    published(&world, "1.0.0", &["westeurope"]).await;
    imported(&world, &following()).await;
    assert_eq!(names(&world, &versions("westeurope", "")).await, ["1.0.0"]);
    imported(&world, &catalogue(&sku(&[]))).await;
    assert_eq!(names(&world, &versions("westeurope", "")).await, [""; 0]);
}

#[tokio::test]
async fn only_what_exists_is_followed() {
    let world = World::furnished().await;
    let reply =
        import(&world, &catalogue(&json!({"name": "server", "definition": format!("{}x", definition())})))
            .await;
    assert_eq!((reply.status, code(&reply)), (404, "ResourceNotFound"));
}
