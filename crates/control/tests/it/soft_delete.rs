//! Versions that were deleted and can be taken back.

use control::Method;
use metadata::{Change, Store};
use serde_json::{Value, json};

use crate::races::{all_at_once, count};
use crate::world::{
    Ask, BASE, World, body, code, compute, definition, gallery, group, header, located, message, names_in,
    version, version_body,
};

const DAY: i64 = 24 * 3600;

fn artifacts() -> String {
    compute("galleries/g/softDeletedArtifactTypes/Images/artifacts/d/versions")
}

fn artifact(name: &str) -> String {
    format!("{}/{name}", artifacts())
}

/// A gallery that keeps deleted versions, and the version 1.0.0 with bytes in it.
async fn world() -> World {
    let world = World::furnished().await;
    let policy = json!({"isSoftDeleteEnabled": true, "retentionPeriodInDays": 3, "gracePeriodInDays": 2});
    let wanted = json!({"location": "westeurope", "properties": {"softDeletePolicy": policy}});
    assert_eq!(world.put(&gallery(), &wanted).await.status, 200);
    publish(&world, "1.0.0").await;
    world
}

async fn publish(world: &World, name: &str) {
    let mut wanted = version_body();
    wanted["tags"] = json!({"kept": "yes"});
    assert_eq!(world.put(&version(name), &wanted).await.status, 201);
    world.finish_jobs().await;
    // As the job would: the row has an image and holds it.
    let mut row = world.rows.row(&version(name).parse().unwrap()).await.unwrap().unwrap();
    row.document["internal"] = json!({"root": "b3:00"});
    row.holds = vec!["westeurope/b3:00".to_owned()];
    world.rows.commit(Change { put: vec![row], ..Change::default() }).await.unwrap();
}

#[tokio::test]
async fn a_deleted_version_is_gone_from_its_place_and_listed_in_another() {
    let world = world().await;
    let before = world.get(&version("1.0.0")).await;
    assert_eq!(world.delete(&version("1.0.0")).await.status, 202);
    assert_eq!(world.get(&version("1.0.0")).await.status, 404);
    assert_eq!(names_in(body(&world.get(&format!("{}/versions", definition())).await)), [""; 0]);
    let listed = world.get(&artifacts()).await;
    let wanted = json!({
        "id": artifact("1.0.0"), "name": "1.0.0", "location": "westeurope", "tags": {"kept": "yes"},
        "type": "Microsoft.Compute/galleries/softDeletedArtifactTypes/artifacts/versions",
        "properties": {
            "resourceArmId": version("1.0.0"), "softDeletedArtifactType": "Images",
            "softDeletedTime": "2026-11-21T00:00:00+00:00", "consumptionEndTime": "2026-11-24T00:00:00+00:00",
            "hardDeletionTargetTime": "2026-11-26T00:00:00+00:00",
        },
    });
    assert_eq!(body(&listed)["value"], json!([wanted]));
    assert_eq!(body(&world.get(&artifact("1.0.0")).await), &wanted);
    let as_az_spells_it = artifacts().replace("softDeletedArtifactTypes", "softdeletedartifacttypes");
    assert_eq!(world.get(&as_az_spells_it).await.body, listed.body);
    assert_eq!(world.rows.holds("").await.unwrap(), ["westeurope/b3:00"], "its bytes are kept");
    let restored = world.put(&version("1.0.0"), &json!({"location": "westeurope", "tags": {}})).await;
    assert_eq!(
        (restored.status, &body(&restored)["properties"]["provisioningState"]),
        (200, &json!("Updating"))
    );
    assert!(header(&restored, "azure-asyncoperation").is_some());
    world.finish_jobs().await;
    assert_eq!(world.get(&version("1.0.0")).await.body, before.body, "it is what it was");
    assert_eq!(names_in(body(&world.get(&artifacts()).await)), [""; 0]);
    assert_eq!(world.rows.holds("").await.unwrap(), ["westeurope/b3:00"]);
}

#[tokio::test]
async fn what_stands_aside_keeps_its_number_its_definition_and_its_gallery() {
    let world = world().await;
    world.delete(&version("1.0.0")).await;
    let anew = world.put(&version("1.0.0"), &version_body()).await;
    assert_eq!((anew.status, code(&anew)), (409, "Conflict"));
    assert!(message(&anew).contains("soft-deleted"));
    let refused = world.delete(&definition()).await;
    assert_eq!((refused.status, code(&refused)), (409, "CannotDeleteResource"));
    assert!(message(&refused).contains("softDeletedVersions/1.0.0"), "{refused:?}");
    assert!(message(&refused).contains("Soft-deleted image versions are among them"), "{refused:?}");
    assert_eq!(world.delete(&gallery()).await.status, 409);
    assert_eq!(world.delete(&group()).await.status, 202, "a group takes everything");
    assert_eq!(world.rows.holds("").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_purge_is_final() {
    let world = world().await;
    world.delete(&version("1.0.0")).await;
    let purged = world.delete(&artifact("1.0.0")).await;
    assert_eq!(purged.status, 202);
    let operation = header(&purged, "azure-asyncoperation").unwrap().strip_prefix(BASE).unwrap();
    assert_eq!(body(&world.get(operation).await)["status"], "Succeeded");
    assert_eq!(world.get(&artifact("1.0.0")).await.status, 404);
    assert_eq!(world.rows.holds("").await.unwrap(), [""; 0]);
    assert_eq!(world.delete(&artifact("1.0.0")).await.status, 204);
    let restored = world
        .put(&version("1.0.0"), &json!({"location": "westeurope", "properties": {"restore": true}}))
        .await;
    assert_eq!((restored.status, code(&restored)), (400, "InvalidParameter"));
    assert_eq!(world.put(&version("1.0.0"), &version_body()).await.status, 201, "the number is free");
    let actions: Vec<String> = world.activity().await.into_iter().map(|entry| entry.action).collect();
    let action = "Microsoft.Compute/galleries/softDeletedArtifactTypes/artifacts/versions/delete";
    assert!(actions.iter().any(|found| found == action), "{actions:?}");
}

#[tokio::test]
async fn a_delete_may_go_past_it() {
    let world = world().await;
    let path = format!("{}?bypassSoftDelete=true&api-version=2026-03-03", version("1.0.0"));
    assert_eq!(world.delete(&path).await.status, 202);
    assert_eq!(names_in(body(&world.get(&artifacts()).await)), [""; 0]);
    assert_eq!(world.delete(&definition()).await.status, 202);
}

#[tokio::test]
async fn a_policy_that_is_switched_off_leaves_what_was_deleted_before() {
    let world = world().await;
    world.delete(&version("1.0.0")).await;
    let off =
        json!({"location": "westeurope", "properties": {"softDeletePolicy": {"isSoftDeleteEnabled": false}}});
    world.put(&gallery(), &off).await;
    publish(&world, "1.0.1").await;
    world.delete(&version("1.0.1")).await;
    assert_eq!(names_in(body(&world.get(&artifacts()).await)), ["1.0.0"]);
    // In the time of grace too.
    world.clock.advance(4 * DAY);
    assert_eq!(world.put(&version("1.0.0"), &located()).await.status, 200);
}

#[tokio::test]
async fn tags_come_back_as_they_were_unless_others_are_said() {
    let world = world().await;
    let path = version("1.0.0");
    let tags = |reply: &control::Reply| body(reply).get("tags").cloned();
    for (sent, wanted) in [
        (json!({}), json!({"kept": "yes"})),
        (Value::Null, json!({"kept": "yes"})),
        (json!({"new": "tag"}), json!({"new": "tag"})),
    ] {
        world.delete(&path).await;
        let restored = world.put(&path, &json!({"location": "westeurope", "tags": sent})).await;
        assert_eq!((restored.status, tags(&restored)), (200, Some(wanted)));
        world.finish_jobs().await;
    }
    let untagged = world.put(&path, &located()).await;
    assert_eq!((untagged.status, tags(&untagged)), (200, None));
    world.delete(&path).await;
    let restored = world.put(&path, &json!({"location": "westeurope", "tags": {}})).await;
    assert_eq!((restored.status, tags(&restored)), (200, None));
}

#[tokio::test]
async fn it_can_be_deleted_and_taken_back_again_and_again() {
    let world = world().await;
    for _ in 0..3 {
        assert_eq!(world.delete(&version("1.0.0")).await.status, 202);
        assert_eq!(world.delete(&version("1.0.0")).await.status, 204);
        assert_eq!(world.put(&version("1.0.0"), &located()).await.status, 200);
        world.finish_jobs().await;
    }
}

#[tokio::test]
async fn many_are_listed_in_order_page_by_page() {
    let world = world().await;
    for name in ["1.0.10", "1.0.2"] {
        publish(&world, name).await;
    }
    for name in ["1.0.0", "1.0.2", "1.0.10"] {
        world.delete(&version(name)).await;
    }
    let (names, pages) = world.names(&format!("{}?$top=2&api-version=2026-03-03", artifacts())).await;
    assert_eq!((names, pages), (["1.0.0", "1.0.2", "1.0.10"].map(str::to_owned).to_vec(), 2));
}

#[tokio::test]
async fn the_row_behind_it_has_no_path_of_its_own() {
    let world = world().await;
    world.delete(&version("1.0.0")).await;
    let hidden = compute("galleries/g/images/d/softDeletedVersions/1.0.0");
    assert_eq!(world.get(&hidden).await.status, 404);
    for method in [Method::Put, Method::Patch, Method::Delete] {
        let reply = world.send(Ask::new(method, &hidden).json(&located())).await;
        assert_eq!((reply.status, code(&reply)), (501, "NotImplemented"));
    }
    let everything = world.get(&format!("{}/resources", group())).await;
    assert_eq!(names_in(body(&everything)), ["g", "g/d"]);
}

#[tokio::test]
async fn paths_that_name_no_soft_deleted_version_are_refused() {
    let world = world().await;
    for (method, path, status) in [
        (Method::Get, artifact("9.9.9"), 404),
        (Method::Get, artifacts().replace("/d/", "/none/"), 404),
        (Method::Get, artifacts().replace("Images", "Applications"), 400),
        (Method::Put, artifact("1.0.0"), 405),
        (Method::Post, format!("{}/restore", artifact("1.0.0")), 404),
        (Method::Delete, artifact("1.0.0").replace("/rg/", "/none/"), 404),
    ] {
        let reply = world.send(Ask::new(method, &path).json(&json!({}))).await;
        assert_eq!(reply.status, status, "{path}: {reply:?}");
    }
    let by_stranger = world.send(Ask::new(Method::Get, &artifacts()).by("someone")).await;
    assert_eq!((by_stranger.status, code(&by_stranger)), (403, "AuthorizationFailed"));
    assert_eq!(world.get(&artifact("1.0.0")).await.status, 404);
    assert_ne!(world.get(&version("1.0.0")).await.body, Some(Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_never_stands_in_both_places_whoever_writes_at_once() {
    let world = world().await;
    let replies = all_at_once(&world, |number| match number % 5 {
        0 => Ask::new(Method::Delete, &artifact("1.0.0")),
        1 | 2 => Ask::new(Method::Delete, &version("1.0.0")),
        3 => Ask::new(Method::Put, &version("1.0.0")).json(&located()),
        _ => Ask::new(Method::Put, &version("1.0.0")).json(&version_body()),
    })
    .await;
    let known = [200, 201, 202, 204, 400, 409];
    assert!(replies.iter().all(|reply| known.contains(&reply.status)), "{replies:?}");
    let stands = world.get(&version("1.0.0")).await.status == 200;
    let aside = world.get(&artifact("1.0.0")).await.status == 200;
    assert!(!(stands && aside));
    assert!(count(&replies, 202) >= 1, "the first delete finds it");
}
