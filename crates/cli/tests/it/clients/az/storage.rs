//! `az storage`: an account, its keys, a container, and a VHD up and down as a page blob.

use serde_json::json;

use super::Az;
use crate::clients::disk::fixed_vhd;
use crate::server::Server;

#[test]
fn az_brings_a_vhd_into_a_storage_account_and_back() {
    let az = Az::sign_in(Server::with_defaults());
    az.json("group create -n images -l westeurope");
    let account = az.json("storage account create -g images -n acct1 -l westeurope --sku Standard_LRS");
    let endpoint = format!("{}/acct1/", az.server.connection().arm_endpoint);
    assert_eq!(
        (&account["provisioningState"], &account["primaryEndpoints"]["blob"]),
        (&json!("Succeeded"), &json!(endpoint))
    );
    assert_eq!(az.json("storage account show -g images -n acct1 --query kind"), "StorageV2");
    assert_eq!(az.json("storage account list --query [].name"), json!(["acct1"]));
    az.refuses(
        "storage account create -g images -n Acct -l westeurope",
        1,
        "",
        "numbers and lower-case letters only",
    );
    let key = az.json("storage account keys list -g images -n acct1 --query [0].value");
    let key = key.as_str().unwrap();
    let access = format!("--account-name acct1 --account-key {key} --blob-endpoint {{url}}/acct1");
    assert_eq!(az.json(&format!("storage container create -n vhds {access}")), json!({"created": true}));

    let vhd = fixed_vhd(&az.server.scratch(""));
    let file = az.server.scratch("blob.vhd");
    let upload = format!(
        "storage blob upload -c vhds -n os.vhd --type page --no-progress -f {} {access}",
        file.display()
    );
    az.json(&upload);
    let shown = az.json(&format!("storage blob show -c vhds -n os.vhd {access}"));
    assert_eq!(
        (&shown["properties"]["blobType"], &shown["properties"]["contentLength"]),
        (&json!("PageBlob"), &json!(vhd.len()))
    );
    assert_eq!(az.json(&format!("storage blob list -c vhds {access} --query [].name")), json!(["os.vhd"]));
    let back = az.server.scratch("back.vhd");
    az.json(&format!("storage blob download -c vhds -n os.vhd --no-progress -f {} {access}", back.display()));
    assert!(std::fs::read(&back).unwrap() == vhd, "what comes down is what went up");

    let sas = az.json(&format!(
        "storage blob generate-sas -c vhds -n os.vhd --permissions r --expiry 2099-01-01T00:00Z --full-uri {access}"
    ));
    let again = az.server.scratch("again.vhd");
    az.json(&format!(
        "storage blob download --blob-url '{}' --no-progress -f {}",
        sas.as_str().unwrap(),
        again.display()
    ));
    assert!(std::fs::read(&again).unwrap() == vhd, "a signature opens what it names");
    az.json(&format!("storage blob delete -c vhds -n os.vhd {access}"));
    assert_eq!(az.json(&format!("storage blob exists -c vhds -n os.vhd {access} --query exists")), false);
    az.quiet("storage account delete -g images -n acct1 --yes");
    assert!(!az.server.log().contains(key), "a key is in the log");
}
