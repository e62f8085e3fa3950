//! What every type has in common: made, shown, changed, listed, removed.

use control::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{
    Ask, OTHER_SUBSCRIPTION, SUBSCRIPTION, World, body, code, compute, definition, definition_body, gallery,
    group, header, located, message, names_in, version, version_body,
};

/// A gallery, a definition, a version and an upload that do not stand in the furnished world.
#[rstest]
#[case::group(format!("{SUBSCRIPTION}/resourceGroups/new"), located())]
#[case::gallery(compute("galleries/new"), located())]
#[case::definition(compute("galleries/g/images/new"), definition_body("new"))]
#[case::version(version("1.0.0"), version_body())]
#[case::upload(
    format!("{}/providers/Gallerist.Images/uploads/u", definition()),
    json!({"location": "westeurope", "properties": {"format": "raw", "sizeBytes": 4096}})
)]
#[tokio::test]
async fn a_resource_is_created_shown_changed_and_removed(#[case] path: String, #[case] wanted: Value) {
    let world = World::furnished().await;
    assert_eq!(world.get(&path).await.status, 404);

    let created = world.put(&path, &wanted).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(body(&created)["id"], path.as_str());
    assert_eq!(body(&created)["location"], "westeurope");
    assert!(header(&created, "location").is_none(), "a PUT never sends Location");
    world.finish_jobs().await;

    let again = world.put(&path, &wanted).await;
    assert_eq!(again.status, 200);
    let shown = world.get(&path).await;
    assert_eq!(shown.status, 200);
    assert_eq!(again.body, shown.body);
    assert_eq!(header(&again, "etag"), header(&shown, "etag"), "nothing changed, so the etag stays");

    let mut changed = wanted.clone();
    changed["tags"] = json!({"a": "b"});
    let changed = world.put(&path, &changed).await;
    assert_eq!((changed.status, &body(&changed)["tags"]), (200, &json!({"a": "b"})));
    assert_ne!(header(&changed, "etag"), header(&shown, "etag"));

    let removed = world.delete(&path).await;
    assert!(matches!(removed.status, 200 | 202), "{removed:?}");
    assert_eq!(removed.body, None);
    assert_eq!(world.get(&path).await.status, 404);
}

#[tokio::test]
async fn deleting_what_is_not_there_is_no_error() {
    let world = World::furnished().await;
    for path in [
        compute("galleries/none"),
        compute("galleries/g/images/none"),
        version("9.9.9"),
        compute("galleries/none/images/none"),
    ] {
        let reply = world.delete(&path).await;
        assert_eq!((reply.status, reply.body), (204, None), "{path}");
    }
    let no_group = world.delete(&format!("{SUBSCRIPTION}/resourceGroups/none")).await;
    assert_eq!((no_group.status, code(&no_group)), (404, "ResourceGroupNotFound"));
}

#[tokio::test]
async fn a_delete_is_an_operation_that_has_already_ended() {
    let world = World::furnished().await;
    let reply = world.delete(&definition()).await;
    assert_eq!(reply.status, 202);
    let status = world.get(link(&reply, "azure-asyncoperation")).await;
    assert_eq!((status.status, &body(&status)["status"]), (200, &json!("Succeeded")));
    let result = world.get(link(&reply, "location")).await;
    assert_eq!((result.status, result.body), (200, None));
}

fn link<'a>(reply: &'a control::Reply, name: &str) -> &'a str {
    header(reply, name).unwrap().strip_prefix(crate::world::BASE).unwrap()
}

#[tokio::test]
async fn a_group_is_polled_by_location_alone() {
    let world = World::furnished().await;
    let reply = world.delete(&group()).await;
    assert_eq!((reply.status, header(&reply, "azure-asyncoperation")), (202, None));
    assert!(link(&reply, "location").starts_with(&format!("{SUBSCRIPTION}/operationresults/")));
    assert_eq!(world.get(link(&reply, "location")).await.status, 200);
}

#[tokio::test]
async fn a_group_is_no_way_around_a_protected_version() {
    let world = World::furnished().await;
    let mut protected = version_body();
    protected["properties"]["publishingProfile"]["endOfLifeDate"] = "2030-01-01T00:00:00Z".into();
    protected["properties"]["safetyProfile"] = serde_json::json!({"blockDeletionBeforeEndOfLife": true});
    assert_eq!(world.put(&version("1.0.0"), &protected).await.status, 201);
    world.finish_jobs().await;
    for path in [version("1.0.0"), group()] {
        let refused = world.delete(&path).await;
        assert_eq!(
            (refused.status, code(&refused)),
            (409, "DeleteGalleryImageVersionBlockedBeforeEndOfLife")
        );
    }
    world.clock.advance(4 * 366 * 86_400);
    assert_eq!(world.delete(&group()).await.status, 202);
}

#[tokio::test]
async fn a_group_goes_with_everything_in_it_and_nothing_else() {
    let world = World::furnished().await;
    world.put(&version("1.0.0"), &version_body()).await;
    let beside = format!("{SUBSCRIPTION}/resourceGroups/rg2/providers/Microsoft.Compute/galleries/g2");
    world.put(&format!("{SUBSCRIPTION}/resourceGroups/rg2"), &located()).await;
    world.put(&beside, &located()).await;
    assert_eq!(world.delete(&group()).await.status, 202);
    for path in [group(), gallery(), definition(), version("1.0.0")] {
        assert_eq!(world.get(&path).await.status, 404, "{path}");
    }
    assert_eq!(world.open_jobs().await, [], "jobs of what is gone are canceled");
    assert_eq!(world.get(&beside).await.status, 200);
}

#[tokio::test]
async fn what_has_children_is_not_removed_and_they_are_named() {
    let world = World::furnished().await;
    world.put(&version("1.0.0"), &version_body()).await;
    for (path, child) in [
        (gallery(), "Microsoft.Compute/galleries/g/images/d"),
        (definition(), "Microsoft.Compute/galleries/g/images/d/versions/1.0.0"),
    ] {
        let reply = world.delete(&path).await;
        assert_eq!((reply.status, code(&reply)), (409, "CannotDeleteResource"));
        assert!(message(&reply).contains(child), "{reply:?}");
        assert_eq!(world.get(&path).await.status, 200);
    }
    for path in [version("1.0.0"), definition(), gallery()] {
        assert_eq!(world.delete(&path).await.status, 202, "{path}");
    }
}

#[tokio::test]
async fn head_says_whether_it_is_there() {
    let world = World::furnished().await;
    for (path, status) in [
        (group(), 204),
        (gallery(), 204),
        (compute("galleries/none"), 404),
        (compute("virtualMachines/vm"), 404),
        (format!("{OTHER_SUBSCRIPTION}/resourceGroups/rg"), 404),
    ] {
        let reply = world.send(Ask::new(Method::Head, &path)).await;
        assert_eq!(reply.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_patch_merges_and_keeps_what_it_does_not_name() {
    let world = World::furnished().await;
    let whole = json!({"location": "westeurope", "tags": {"a": "b"}, "properties": {"description": "old", "softDeletePolicy": {"isSoftDeleteEnabled": false}}});
    world.put(&gallery(), &whole).await;
    let patched = world.patch(&gallery(), &json!({"properties": {"description": "new"}})).await;
    assert_eq!(patched.status, 200);
    let shown = body(&patched);
    assert_eq!((&shown["properties"]["description"], &shown["tags"]), (&json!("new"), &json!({"a": "b"})));
    assert_eq!(shown["properties"]["softDeletePolicy"]["isSoftDeleteEnabled"], false);
    let tagged = world.patch(&gallery(), &json!({"tags": {"c": "d"}})).await;
    assert_eq!(body(&tagged)["tags"], json!({"c": "d"}), "tags are replaced as a whole");
    assert_eq!(body(&tagged)["properties"]["description"], "new");
}

#[tokio::test]
async fn a_patch_of_what_is_not_there_is_refused() {
    let world = World::furnished().await;
    for (path, wanted) in [
        (compute("galleries/none"), "ResourceNotFound"),
        (version("9.9.9"), "ResourceNotFound"),
        (format!("{SUBSCRIPTION}/resourceGroups/none"), "ResourceGroupNotFound"),
    ] {
        let reply = world.patch(&path, &json!({"tags": {}})).await;
        assert_eq!((reply.status, code(&reply)), (404, wanted), "{path}");
    }
}

#[tokio::test]
async fn a_put_without_tags_drops_them_and_an_empty_object_stays_one() {
    let world = World::furnished().await;
    for (tags, shown) in
        [(json!({"a": "b"}), json!({"a": "b"})), (json!({}), json!({})), (Value::Null, Value::Null)]
    {
        let reply = world.put(&gallery(), &json!({"location": "westeurope", "tags": tags})).await;
        assert_eq!(body(&reply)["tags"], shown);
    }
    let reply = world.get(&gallery()).await;
    assert_eq!(body(&reply).get("tags"), None);
}

#[tokio::test]
async fn names_come_back_as_they_were_created_in_whatever_case_they_are_asked() {
    let world = World::furnished().await;
    let shouted = version("1.0.0").to_uppercase();
    let created = world.put(&shouted, &version_body()).await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(body(&created)["id"], version("1.0.0").as_str(), "parents keep their spelling, types theirs");
    assert_eq!(body(&created)["type"], "Microsoft.Compute/galleries/images/versions");
    let upload = format!("{}/PROVIDERS/GALLERIST.IMAGES/UPLOADS/Up", definition().to_uppercase());
    let wanted = json!({"location": "westeurope", "properties": {"format": "raw", "sizeBytes": 4096}});
    let created = world.put(&upload, &wanted).await;
    let spelled = format!("{}/providers/Gallerist.Images/uploads/Up", definition());
    assert_eq!(body(&created)["id"], spelled.as_str());
    assert_eq!(body(&world.get(&upload).await)["id"], spelled.as_str());
}

#[tokio::test]
async fn every_write_leaves_one_activity_entry_and_a_write_of_nothing_leaves_none() {
    let world = World::furnished().await;
    world.put(&gallery(), &located()).await;
    world.get(&gallery()).await;
    world.put(&compute("galleries/-"), &located()).await;
    world.patch(&gallery(), &json!({"tags": {"a": "b"}})).await;
    world.delete(&definition()).await;
    world.delete(&definition()).await;
    let entries = world.activity().await;
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    let [groups, galleries, images] = [
        "Microsoft.Resources/resourceGroups",
        "Microsoft.Compute/galleries",
        "Microsoft.Compute/galleries/images",
    ];
    let mut wanted = vec![format!("{groups}/write"), format!("{galleries}/write"), format!("{images}/write")];
    wanted.extend([format!("{galleries}/write"), format!("{images}/delete")]);
    assert_eq!(actions, wanted);
    assert!(
        entries
            .iter()
            .all(|entry| entry.caller == "0wner" && entry.correlation_id == crate::world::CORRELATION)
    );
}

#[tokio::test]
async fn lists_hold_what_is_in_their_scope() {
    let world = World::furnished().await;
    world.put(&format!("{SUBSCRIPTION}/resourceGroups/rg2"), &located()).await;
    world
        .put(
            &format!("{SUBSCRIPTION}/resourceGroups/rg2/providers/Microsoft.Compute/galleries/g2"),
            &located(),
        )
        .await;
    for (path, names) in [
        (format!("{SUBSCRIPTION}/resourcegroups"), vec!["rg", "rg2"]),
        (format!("{OTHER_SUBSCRIPTION}/resourcegroups"), vec![]),
        (format!("{SUBSCRIPTION}/providers/Microsoft.Compute/galleries"), vec!["g", "g2"]),
        (compute("galleries"), vec!["g"]),
        (compute("galleries/g/images"), vec!["d"]),
        (compute("galleries/g/images/d/versions"), vec![]),
        (format!("{SUBSCRIPTION}/resources"), vec!["g", "g/d", "g2"]),
        (format!("{}/resources", group()), vec!["g", "g/d"]),
    ] {
        let reply = world.get(&path).await;
        assert_eq!(names_in(body(&reply)), names, "{path}");
        assert_eq!(body(&reply).get("nextLink"), None, "{path}");
    }
}

#[tokio::test]
async fn a_contract_goes_with_its_definition() {
    let world = World::furnished().await;
    let contract = format!("{}/providers/Gallerist.Images/contracts/default", definition());
    assert_eq!(world.put(&contract, &json!({"properties": {"mode": "Warn"}})).await.status, 201);
    assert_eq!(world.put(&version("1.0.0"), &version_body()).await.status, 201);
    let refused = world.delete(&definition()).await;
    assert_eq!((refused.status, code(&refused)), (409, "CannotDeleteResource"));
    assert_eq!(world.get(&contract).await.status, 200, "nothing went yet");
    world.delete(&version("1.0.0")).await;
    assert_eq!(world.delete(&definition()).await.status, 202);
    assert_eq!(world.get(&contract).await.status, 404);
    assert_eq!(world.delete(&gallery()).await.status, 202);
}
