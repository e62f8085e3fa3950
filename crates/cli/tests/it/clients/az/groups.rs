//! `az group`, `az account`, `az provider`, `az resource` and `az rest`.

use serde_json::json;

use super::Az;
use super::galleries::deleted;
use crate::server::Server;

#[test]
fn az_makes_changes_and_deletes_groups() {
    let az = Az::sign_in(Server::with_defaults());
    let group = az.json("group create -n images -l westeurope --tags team=os");
    assert_eq!(
        group,
        json!({
            "id": format!("/subscriptions/{}/resourceGroups/images", az.subscription),
            "location": "westeurope", "managedBy": null, "name": "images",
            "properties": {"provisioningState": "Succeeded"}, "tags": {"team": "os"},
            "type": "Microsoft.Resources/resourceGroups",
        })
    );
    assert_eq!(az.json("group show -n IMAGES"), group);
    assert_eq!(az.json("group list"), json!([group]));
    assert_eq!(az.json("group list --tag team=os --query [].name"), json!(["images"]));
    assert_eq!(az.json("group list --tag team=other"), json!([]));
    let tags = az.json("group update -n images --set tags.stage=test --query tags");
    assert_eq!(tags, json!({"team": "os", "stage": "test"}));
    assert_eq!(az.json("group exists -n images"), true);
    assert_eq!(az.json("group exists -n other"), false);
    az.quiet("group wait -n images --created --interval 1");

    az.json("sig create -g images -r shelf");
    let (_, exchanges) = az.exchanges("group delete -n images --yes");
    deleted(&exchanges);
    assert_eq!(az.json("group exists -n images"), false);
    az.refuses(
        "group show -n images",
        3,
        "ResourceGroupNotFound",
        "Resource group 'images' could not be found.",
    );
    az.refuses("sig show -g images -r shelf", 3, "ResourceGroupNotFound", "'images'");
    az.refuses("group delete -n images --yes", 3, "ResourceGroupNotFound", "'images'");

    az.json("group create -n images -l westeurope");
    az.quiet("group delete -n images --yes --no-wait");
    az.quiet("group wait -n images --deleted --interval 1");
}

#[test]
fn az_finds_its_way_around() {
    let az = Az::sign_in(Server::with_defaults());
    let account = az.json("account show");
    assert_eq!(
        (&account["id"], &account["environmentName"], &account["state"]),
        (&json!(az.subscription), &json!("Gallerist"), &json!("Enabled"))
    );
    assert_eq!(
        az.json("account list-locations --query '[].[name, displayName]'"),
        json!([["eastus", "East US"], ["northeurope", "North Europe"], ["westeurope", "West Europe"]])
    );
    let compute = az.json(
        "provider show -n Microsoft.Compute --query '{state: registrationState, types: resourceTypes[].resourceType}'",
    );
    assert_eq!(compute["state"], "Registered");
    for kind in ["disks", "galleries", "galleries/images", "galleries/images/versions", "images", "snapshots"]
    {
        assert!(compute["types"].as_array().unwrap().contains(&json!(kind)), "{kind}: {compute}");
    }

    az.json("group create -n images -l westeurope");
    az.json("sig create -g images -r shelf --tags team=os");
    let definition =
        "image-definition create -g images -r shelf -i linux --publisher p --offer o --sku s --os-type Linux";
    az.json(&format!("sig {definition}"));
    resources_are_found(&az);
    rest_answers(&az);
}

fn resources_are_found(az: &Az) {
    let check = |line: &str, names: &[&str]| {
        assert_eq!(az.json(&format!("{line} --query [].name")), json!(names), "{line}");
    };
    check("resource list -g images", &["shelf", "shelf/linux"]);
    check("resource list --resource-type Microsoft.Compute/galleries", &["shelf"]);
    check("resource list --name shelf", &["shelf"]);
    check("resource list --tag team=os", &["shelf"]);
    check("resource list --tag team=other", &[]);
    let shelf = "-g images -n shelf --resource-type Microsoft.Compute/galleries";
    let shown = az.json(&format!("resource show {shelf}"));
    assert_eq!((&shown["name"], &shown["tags"]), (&json!("shelf"), &json!({"team": "os"})));
    let id = "{group}/providers/Microsoft.Compute/galleries/shelf/images/linux";
    assert_eq!(az.json(&format!("resource show --ids {id} --query name")), "linux");
    assert_eq!(
        az.json(&format!("resource tag {shelf} --tags stage=test --query tags")),
        json!({"stage": "test"})
    );
    assert_eq!(
        az.json(&format!("resource tag {shelf} --tags team=os --is-incremental --query tags")),
        json!({"stage": "test", "team": "os"})
    );
    az.quiet(&format!("resource wait {shelf} --exists --interval 1"));
    az.quiet(&format!("resource delete --ids {id}"));
    az.refuses(
        &format!("resource show --ids {id}"),
        3,
        "ResourceNotFound",
        "galleries/shelf/images/linux' under",
    );
}

fn rest_answers(az: &Az) {
    let shelf = "{group}/providers/Microsoft.Compute/galleries/other?api-version=2024-03-03";
    let put = az.json(&format!("rest --method put --url {shelf} --body '{{\"location\":\"West Europe\"}}'"));
    assert_eq!(put["properties"]["provisioningState"], "Succeeded");
    assert_eq!(az.json(&format!("rest --method get --url {{url}}{shelf}"))["name"], "other");
    az.quiet(&format!("rest --method delete --url {shelf}"));
    // `az rest` ends with 1 for every error.
    az.refuses(&format!("rest --method get --url {shelf}"), 1, "ResourceNotFound", "galleries/other");
    for (url, code, words) in [
        ("{group}/providers/Microsoft.Compute/galleries/shelf", "MissingApiVersionParameter", "api-version"),
        ("{group}?api-version=yesterday", "InvalidApiVersionParameter", "yesterday"),
        (
            "{group}/providers/Microsoft.Compute/galleries/shelf?api-version=2001-01-01",
            "NoRegisteredProviderFound",
            "2026-03-03",
        ),
    ] {
        az.refuses(&format!("rest --method get --url {url}"), 1, code, words);
    }
}
