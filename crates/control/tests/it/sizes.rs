//! What can be offered where: sizes of machines, classes of disks.

use serde_json::Value;

use crate::world::{SUBSCRIPTION, World, body, code, next_path};

fn skus(filter: &str) -> String {
    format!("{SUBSCRIPTION}/providers/Microsoft.Compute/skus?api-version=2021-07-01{filter}")
}

/// Every item of a list, page after page.
async fn items(world: &World, path: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
    while let Some(path) = next {
        let reply = world.get(&path).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        items.extend(body(&reply)["value"].as_array().unwrap().iter().cloned());
        pages += 1;
        next = next_path(body(&reply));
    }
    (items, pages)
}

#[tokio::test]
async fn sizes_are_listed_for_regions_of_ours() {
    let world = World::empty().await;
    let list =
        |region: &str| format!("{SUBSCRIPTION}/providers/Microsoft.Compute/locations/{region}/vmSizes");
    let (sizes, _) = items(&world, &list("westeurope")).await;
    let d2 = sizes.iter().find(|size| size["name"] == "Standard_D2s_v5").unwrap();
    assert_eq!((&d2["numberOfCores"], &d2["memoryInMB"]), (&2.into(), &8192.into()));
    assert_eq!(code(&world.get(&list("mars")).await), "LocationNotAvailableForResourceType");
}

#[tokio::test]
async fn skus_are_listed_region_by_region() {
    let world = World::empty().await;
    let (all, _) = items(&world, &skus("")).await;
    let (west, pages) =
        items(&world, &skus("&$filter=location%20eq%20'West%20Europe'&includeExtendedLocations=true")).await;
    assert_eq!((all.len(), pages), (west.len() * 2, 1), "two regions");
    assert!(
        west.iter()
            .all(|item| item["locations"][0] == "westeurope" && item["restrictions"] == Value::Array(vec![]))
    );
    for kind in ["virtualMachines", "disks", "snapshots"] {
        assert!(west.iter().any(|item| item["resourceType"] == kind), "{kind}");
    }
    assert_eq!(items(&world, &skus("&$filter=location%20eq%20'mars'")).await.0, Vec::<Value>::new());
    let refused = world.get(&skus("&$filter=name%20eq%20'x'")).await;
    assert_eq!(code(&refused), "InvalidFilterInQueryString");
}

#[tokio::test]
async fn many_regions_come_in_pages() {
    let world = World::in_regions(&["a", "b", "c", "d", "e", "f"]).await;
    let (all, pages) = items(&world, &skus("")).await;
    let (one, _) = items(&world, &skus("&$filter=location%20eq%20'a'")).await;
    assert_eq!((all.len(), pages), (one.len() * 6, (one.len() * 6).div_ceil(2_000)));
    let mut names: Vec<String> = all.iter().map(Value::to_string).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all.len(), "each once");
    let stolen = next_path(body(&world.get(&skus("")).await)).unwrap();
    let elsewhere = stolen.replace("$skiptoken", "$filter=location%20eq%20'a'&$skiptoken");
    assert_eq!(world.get(&elsewhere).await.status, 400, "a token fits its own list only");
}
