//! How much a subscription may have: exact under many at once, told in usages, given back by deletes.

use control::Method;
use serde_json::{Value, json};

use crate::world::{
    Ask, OTHER_SUBSCRIPTION, SUBSCRIPTION, World, body, code, compute, definition_body, gallery, group,
    located, message,
};

fn usages(subscription: &str, region: &str) -> String {
    format!("{subscription}/providers/Microsoft.Compute/locations/{region}/usages")
}

/// What usages say of `name`: how many there are, and how many there may be.
async fn usage(world: &World, path: &str, name: &str) -> (u64, u64) {
    let reply = world.get(path).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let rows = body(&reply)["value"].as_array().unwrap().clone();
    let row = rows.iter().find(|row| row["name"]["value"] == name).unwrap();
    (row["currentValue"].as_u64().unwrap(), row["limit"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_at_once_ten_find_room() {
    let world = World::limited(&[("galleries", 10)]).await;
    world.put(&group(), &located()).await;
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let ask = Ask::new(Method::Put, &compute(&format!("galleries/g{number}"))).json(&located());
            let engine = world.engine.clone();
            tokio::spawn(async move { engine.handle(&ask.into_request()).await })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        let reply = task.await.unwrap();
        if reply.status == 409 {
            assert_eq!(code(&reply), "QuotaExceeded");
            for words in
                ["Current Limit: 10, Current Usage: 10", "Location: westeurope", "'galleries' under [limits]"]
            {
                assert!(message(&reply).contains(words), "{reply:?}");
            }
        }
        statuses.push(reply.status);
    }
    statuses.sort_unstable();
    assert_eq!((statuses[..10].to_vec(), statuses[10..].to_vec()), (vec![201; 10], vec![409; 90]));
    assert_eq!(world.names(&compute("galleries")).await.0.len(), 10);
    assert_eq!(usage(&world, &usages(SUBSCRIPTION, "westeurope"), "Gallery").await, (10, 10));
    assert_eq!(world.activity().await.len(), 11, "what was refused left nothing behind");
}

#[tokio::test]
async fn what_goes_makes_room() {
    let world = World::limited(&[("galleries", 1), ("definitions", 2)]).await;
    world.put(&group(), &located()).await;
    assert_eq!(world.put(&gallery(), &located()).await.status, 201);
    for (name, status) in [("a", 201), ("b", 201), ("c", 409)] {
        let made = world.put(&format!("{}/images/{name}", gallery()), &definition_body(name)).await;
        assert_eq!(made.status, status, "{made:?}");
    }
    // Another region and another subscription have room of their own; a full one does not hinder updates.
    let north = json!({"location": "North Europe"});
    assert_eq!(world.put(&compute("galleries/n"), &north).await.status, 201);
    let other = format!("{OTHER_SUBSCRIPTION}/resourceGroups/rg");
    world.put(&other, &located()).await;
    let there = format!("{other}/providers/Microsoft.Compute/galleries/g");
    assert_eq!(world.put(&there, &located()).await.status, 201);
    let tagged = json!({"location": "westeurope", "tags": {"a": "b"}});
    assert_eq!(world.put(&gallery(), &tagged).await.status, 200);

    assert_eq!(world.delete(&format!("{}/images/a", gallery())).await.status, 202);
    assert_eq!(world.put(&format!("{}/images/c", gallery()), &definition_body("c")).await.status, 201);
    assert_eq!(usage(&world, &usages(SUBSCRIPTION, "westeurope"), "GalleryImage").await, (2, 2));
    assert_eq!(usage(&world, &usages(SUBSCRIPTION, "northeurope"), "Gallery").await, (1, 1));

    assert_eq!(world.delete(&group()).await.status, 202);
    for name in ["Gallery", "GalleryImage"] {
        assert_eq!(usage(&world, &usages(SUBSCRIPTION, "WestEurope"), name).await.0, 0);
    }
    assert_eq!(usage(&world, &usages(OTHER_SUBSCRIPTION, "westeurope"), "Gallery").await, (1, 1));
}

#[tokio::test]
async fn usages_name_what_azure_names() {
    let world = World::furnished().await;
    let reply = world.get(&usages(SUBSCRIPTION, "westeurope")).await;
    let wanted = |name: &str, shown: &str, current: u64, limit: u64| {
        let name = json!({"value": name, "localizedValue": shown});
        json!({"unit": "Count", "currentValue": current, "limit": limit, "name": name})
    };
    let rows = body(&reply)["value"].as_array().unwrap();
    for row in [
        wanted("Gallery", "Gallery", 1, 100),
        wanted("GalleryImage", "Gallery Image", 1, 1_000),
        wanted("GalleryImageVersion", "Gallery Image Version", 0, 10_000),
    ] {
        assert!(rows.contains(&row), "{row} in {rows:?}");
    }
    let elsewhere = world.get(&usages(SUBSCRIPTION, "mars")).await;
    assert_eq!(code(&elsewhere), "LocationNotAvailableForResourceType");
    let ask = Ask::new(Method::Put, &usages(SUBSCRIPTION, "westeurope")).json(&Value::Null);
    assert_eq!(world.send(ask).await.status, 405);
}
