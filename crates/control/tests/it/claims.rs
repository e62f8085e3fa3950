//! Words that only one resource may hold, refused in Azure's words.

use serde_json::{Value, json};

use crate::world::{
    OTHER_SUBSCRIPTION, SUBSCRIPTION, World, code, compute, definition_body, located, message,
};

#[tokio::test]
async fn a_gallerys_name_is_unique_in_its_subscription_only() {
    let world = World::furnished().await;
    for group in
        [format!("{SUBSCRIPTION}/resourceGroups/rg2"), format!("{OTHER_SUBSCRIPTION}/resourceGroups/rg")]
    {
        world.put(&group, &located()).await;
    }
    let taken = format!("{SUBSCRIPTION}/resourceGroups/rg2/providers/Microsoft.Compute/galleries/G");
    let reply = world.put(&taken, &located()).await;
    assert_eq!((reply.status, code(&reply)), (409, "Conflict"));
    assert!(message(&reply).contains("is not unique within the subscription"), "{reply:?}");
    let elsewhere = format!("{OTHER_SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/galleries/g");
    assert_eq!(world.put(&elsewhere, &located()).await.status, 201);
    world.delete(&compute("galleries/g/images/d")).await;
    world.delete(&compute("galleries/g")).await;
    assert_eq!(world.put(&taken, &located()).await.status, 201, "a name is free once its gallery is gone");
}

#[tokio::test]
async fn an_identifier_is_unique_in_its_gallery_only() {
    let world = World::furnished().await;
    let with = |publisher: &str| {
        let mut body = definition_body("d");
        body["properties"]["identifier"]["publisher"] = Value::from(publisher);
        body
    };
    let reply = world.put(&compute("galleries/g/images/other"), &with("CONTOSO")).await;
    assert_eq!((reply.status, code(&reply)), (409, "Conflict"));
    assert!(
        message(&reply).contains("identified by (publisher:CONTOSO, offer:linux, sku:d) already exists"),
        "{reply:?}"
    );
    assert_eq!(reply.body.unwrap()["error"]["target"], json!("galleryImage.properties.identifier"));
    assert_eq!(world.put(&compute("galleries/g/images/other"), &with("fabrikam")).await.status, 201);
    world.put(&compute("galleries/g2"), &located()).await;
    assert_eq!(world.put(&compute("galleries/g2/images/d"), &definition_body("d")).await.status, 201);
}
