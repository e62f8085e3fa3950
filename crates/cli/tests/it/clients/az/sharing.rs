//! `az sig share`, and what others then see with `list-shared` and `list-community`.

use serde_json::json;

use super::Az;
use crate::clients::disk::write_raw;
use crate::server::{Server, Start};

const OTHER: &str = "22222222-2222-2222-2222-222222222222";

fn signed_in() -> Az {
    let config = format!("[[subscription]]\nid = \"{OTHER}\"\nname = \"Team two\"\n");
    let az = Az::sign_in(Server::start(Start { config, ..Start::default() }));
    az.json("group create -n images -l westeurope");
    az
}

/// Publishes 1.0.0 into the gallery that stands, in two regions.
fn publish(az: &Az) {
    let disk = az.server.scratch("disk.raw");
    write_raw(&disk, 16 << 20, 3);
    let place = ["--target-regions", "westeurope,eastus"];
    let output = az.server.publish(&disk, "raw", "1.0.0", &place).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn az_shares_a_gallery_with_another_subscription() {
    let az = signed_in();
    let names = az.json("account list --query '[].name'");
    assert_eq!(names, json!(["Gallerist", "Team two"]));
    az.json("sig create -g images -r shelf --permissions groups");
    publish(&az);
    let (_, exchanges) =
        az.exchanges(&format!("sig share add -g images -r shelf --subscription-ids {OTHER}"));
    assert_eq!((exchanges[0].method.as_str(), exchanges[0].status), ("POST", 202));
    az.quiet("sig share wait -g images -r shelf --updated --interval 1");
    let groups = az.json("sig show -g images -r shelf --sharing-groups --query sharingProfile.groups");
    assert_eq!(groups, json!([{"ids": [OTHER], "type": "Subscriptions"}]));

    let unique = format!("{}-SHELF", az.subscription);
    let shared = |command: &str| {
        format!("sig {command} -l eastus --gallery-unique-name {unique} --subscription {OTHER}")
    };
    let listed = az.json(&format!("sig list-shared -l eastus --subscription {OTHER}"));
    let entry =
        json!({"location": "eastus", "name": unique, "uniqueId": format!("/SharedGalleries/{unique}")});
    assert_eq!(listed, json!([entry]));
    assert_eq!(az.json("sig list-shared -l eastus"), json!([]), "it is not shared with its own subscription");
    assert_eq!(az.json(&shared("show-shared --query uniqueId")), entry["uniqueId"]);
    assert_eq!(az.json(&shared("image-definition list-shared --query '[].name'")), json!(["linux"]));
    assert_eq!(az.json(&shared("image-definition show-shared -i linux --query osType")), "Linux");
    assert_eq!(az.json(&shared("image-version list-shared -i linux --query '[].name'")), json!(["1.0.0"]));
    let version = az.json(&shared("image-version show-shared -i linux -e 1.0.0"));
    assert_eq!(version["uniqueId"], format!("/SharedGalleries/{unique}/Images/linux/Versions/1.0.0"));
    assert_eq!(version["storageProfile"]["osDiskImage"]["diskSizeGB"], 1);
    let elsewhere =
        shared("image-version list-shared -i linux --query '[].name'").replace("eastus", "northeurope");
    assert_eq!(az.json(&elsewhere), json!([]));

    az.json(&format!("sig share remove -g images -r shelf --subscription-ids {OTHER}"));
    assert_eq!(az.json(&format!("sig list-shared -l eastus --subscription {OTHER}")), json!([]));
    az.refuses(&shared("show-shared"), 3, "NotFound", "not found in this Azure location");
    az.json("sig share reset -g images -r shelf");
    assert_eq!(
        az.json("sig show -g images -r shelf --select Permissions --query sharingProfile.permissions"),
        "Private"
    );
}

#[test]
fn az_opens_a_gallery_to_the_community() {
    let az = signed_in();
    let about = "--publisher-uri https://example.org --publisher-email images@example.org --eula https://example.org/eula --public-name-prefix contoso";
    let made = az.json(&format!("sig create -g images -r shelf --permissions Community {about}"));
    let info = &made["sharingProfile"]["communityGalleryInfo"];
    assert_eq!(info["communityGalleryEnabled"], false);
    let name = info["publicNames"][0].as_str().unwrap().to_owned();
    publish(&az);
    assert_eq!(az.json("sig list-community -l eastus"), json!([]));
    az.json("sig share enable-community -g images -r shelf");
    let listed = az.json("sig list-community -l eastus");
    assert_eq!(listed[0]["uniqueId"], format!("/CommunityGalleries/{name}"));
    assert_eq!(listed[0]["communityMetadata"]["publisherContact"], "images@example.org");
    assert_eq!(az.json("sig list-community --query 'length(@)'"), 3, "once for each region");
    let public = |command: &str| {
        format!("sig {command} -l eastus --public-gallery-name {name} --subscription {OTHER}")
    };
    let shown = az.json(&public("show-community"));
    assert_eq!(shown["communityMetadata"]["eula"], "https://example.org/eula");
    assert_eq!(az.json(&public("image-definition list-community --query '[].name'")), json!(["linux"]));
    assert_eq!(az.json(&public("image-definition show-community -i linux --query architecture")), "x64");
    assert_eq!(az.json(&public("image-version list-community -i linux --query '[].name'")), json!(["1.0.0"]));
    let version = az.json(&public("image-version show-community -i linux -e 1.0.0"));
    assert_eq!(version["uniqueId"], format!("/CommunityGalleries/{name}/Images/linux/Versions/1.0.0"));
}
