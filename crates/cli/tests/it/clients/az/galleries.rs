//! `az sig`: galleries.

use serde_json::json;

use super::{Az, Exchange};
use crate::server::Server;

#[test]
fn az_makes_changes_and_deletes_galleries() {
    let az = Az::sign_in(Server::with_defaults());
    az.json("group create -n images -l westeurope");
    let (shelf, exchanges) =
        az.exchanges("sig create -g images -r Shelf --description 'What we build' --tags team=os");
    let id = format!(
        "/subscriptions/{}/resourceGroups/images/providers/Microsoft.Compute/galleries/Shelf",
        az.subscription
    );
    let wanted = json!({
        "description": "What we build", "id": id,
        "identifier": {"uniqueName": format!("{}-SHELF", az.subscription)},
        "location": "westeurope", "name": "Shelf", "provisioningState": "Succeeded", "resourceGroup": "images",
        "tags": {"team": "os"}, "type": "Microsoft.Compute/galleries",
    });
    assert_eq!(shelf, wanted);
    // The group's location, then the gallery: finished at once, so that az does not come back.
    assert_eq!(steps(&exchanges), ["GET 200", "PUT 201"]);
    finished(exchanges.last().unwrap());

    assert_eq!(az.json("sig show -g images -r shelf"), shelf);
    assert_eq!(az.json("sig list -g images"), json!([shelf]));
    assert_eq!(az.json("sig list --query [].name"), json!(["Shelf"]));
    let sharing =
        az.json("sig show -g images -r Shelf --select Permissions --query sharingProfile.permissions");
    assert_eq!(sharing, "Private");

    let (updated, exchanges) =
        az.exchanges("sig update -g images -r Shelf --set description=Ours tags.stage=test");
    assert_eq!(
        (&updated["description"], &updated["tags"]),
        (&json!("Ours"), &json!({"team": "os", "stage": "test"}))
    );
    assert_eq!(steps(&exchanges), ["GET 200", "PUT 200"]);
    finished(exchanges.last().unwrap());
    az.quiet("sig wait -g images -r Shelf --updated --interval 1");

    let (nothing, exchanges) = az.exchanges("sig delete -g images -r Shelf");
    assert!(nothing.is_null());
    deleted(&exchanges);
    assert_eq!(az.json("sig list -g images"), json!([]));
    az.refuses(
        "sig show -g images -r Shelf",
        3,
        "ResourceNotFound",
        "'Microsoft.Compute/galleries/Shelf' under resource group 'images' was not found.",
    );
    // Deleting what is not there is no error.
    az.quiet("sig delete -g images -r Shelf");
}

/// `PUT 201`: what was asked, and how it was answered.
pub(super) fn steps(exchanges: &[Exchange]) -> Vec<String> {
    exchanges.iter().map(|exchange| format!("{} {}", exchange.method, exchange.status)).collect()
}

/// Nothing is left to wait for, and the answer says so.
pub(super) fn finished(exchange: &Exchange) {
    for name in ["azure-asyncoperation", "location", "retry-after"] {
        assert_eq!(exchange.header(name), None, "{name}: {exchange:?}");
    }
    assert_eq!(exchange.body["properties"]["provisioningState"], "Succeeded", "{exchange:?}");
}

/// The first answer to a DELETE, and every later one that is not the last, says when to come back.
pub(super) fn deleted(exchanges: &[Exchange]) {
    let first = &exchanges[0];
    assert_eq!((first.method.as_str(), first.status), ("DELETE", 202));
    for exchange in exchanges.iter().filter(|exchange| exchange.is_unfinished()) {
        assert_eq!(exchange.header("retry-after"), Some("1"), "{exchange:?}");
    }
}
