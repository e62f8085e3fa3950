//! `az vm image`, `az vm image terms`, and the lists of sizes, SKUs and usages.

use serde_json::{Value, json};

use super::Az;
use super::galleries::steps;
use crate::clients::disk::write_raw;
use crate::server::Server;

/// A SKU with a plan and a short name, its newer version with bytes in one region.
fn sku() -> Value {
    json!({
        "name": "server-gen2", "osType": "Linux", "alias": "Own",
        "features": [{"name": "SecurityType", "value": "TrustedLaunchSupported"}],
        "plan": {"name": "server-gen2", "licenseTextLink": "https://example.org/licence"},
        "gallery": {"resourceGroup": "images", "gallery": "market"},
        "versions": [
            {"name": "22.04.9", "deprecation": {"imageState": "ScheduledForDeprecation", "scheduledDeprecationTime": "2040-01-01T00:00:00Z"}},
            {"name": "22.04.10", "disk": {"file": "disk.raw", "format": "raw"}},
        ],
    })
}

#[test]
fn az_walks_the_marketplace_and_accepts_terms() {
    let server = Server::with_defaults();
    write_raw(&server.scratch("disk.raw"), 16 << 20, 4);
    server.import_catalogue(&sku());
    let az = Az::sign_in(server);
    let names =
        |list: Value| list.as_array().unwrap().iter().map(|item| item["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(az.json("vm image list-publishers -l westeurope")), ["Example"]);
    assert_eq!(names(az.json("vm image list-offers -l westeurope -p example")), ["linux"]);
    assert_eq!(names(az.json("vm image list-skus -l westeurope -p example -f LINUX")), ["server-gen2"]);

    let walk = "vm image list --publisher exam --offer linux --sku gen2 --all";
    let versions = |region: &str| {
        let list = az.json(&format!("{walk} -l {region}"));
        list.as_array().unwrap().iter().map(|item| item["version"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(versions("westeurope"), ["22.04.9", "22.04.10"]);
    assert_eq!(versions("eastus"), ["22.04.9"], "the bytes of the other are not there");
    let state = format!("{walk} -l westeurope --query [].[urn,imageDeprecationStatus.imageState]");
    assert_eq!(
        az.json(&state),
        json!([
            ["Example:linux:server-gen2:22.04.9", "ScheduledForDeprecation"],
            ["Example:linux:server-gen2:22.04.10", "Active"],
        ])
    );
    let short = az.json("vm image list --query [].[urnAlias,urn]");
    assert_eq!(short, json!([["Own", "Example:linux:server-gen2:latest"]]));

    let (image, exchanges) =
        az.exchanges("vm image show --urn Example:linux:server-gen2:latest -l westeurope");
    assert_eq!(steps(&exchanges), ["GET 200", "GET 200"]);
    assert_eq!(
        [
            &image["name"],
            &image["hyperVGeneration"],
            &image["osDiskImage"]["operatingSystem"],
            &image["plan"]["name"]
        ],
        ["22.04.10", "V2", "Linux", "server-gen2"]
    );
    az.refuses(
        "vm image list-offers -l westeurope -p nobody",
        3,
        "NotFound",
        "Publisher: nobody was not found.",
    );
    az.refuses(
        "vm image show --urn Example:linux:server-gen2:22.04.10 -l eastus",
        3,
        "NotFound",
        "Version: 22.04.10 was not found.",
    );

    let urn = "--urn Example:linux:server-gen2:latest";
    assert_eq!(az.json(&format!("vm image terms show {urn} --query accepted")), false);
    let accepted = az.json(&format!("vm image terms accept {urn}"));
    assert_eq!(
        (&accepted["accepted"], &accepted["licenseTextLink"]),
        (&json!(true), &json!("https://example.org/licence"))
    );
    let plan = "--publisher Example --offer linux --plan server-gen2";
    assert_eq!(az.json(&format!("vm image terms show {plan} --query accepted")), true);
    assert_eq!(az.json(&format!("vm image terms cancel {plan} --query accepted")), false);
}

#[test]
fn az_lists_sizes_skus_and_usages() {
    let az = Az::sign_in(Server::with_defaults());
    az.json("group create -n images -l westeurope");
    az.json("sig create -g images -r shelf");
    let usage = az.json("vm list-usage -l westeurope --query [].[name.value,currentValue,limit]");
    for row in [json!(["Gallery", "1", "100"]), json!(["GalleryImageVersion", "0", "10000"])] {
        assert!(usage.as_array().unwrap().iter().any(|found| texts(found) == row), "{row} in {usage}");
    }
    let sizes = az.json("vm list-sizes -l westeurope");
    let d2 = sizes.as_array().unwrap().iter().find(|size| size["name"] == "Standard_D2s_v5").unwrap();
    assert_eq!((&d2["numberOfCores"], &d2["memoryInMB"]), (&json!(2), &json!(8192)));
    let found = az.json("vm list-skus -l eastus --size Standard_D2s_v5 --resource-type virtualMachines");
    let capability = |name: &str| {
        let all = found[0]["capabilities"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap()["value"].clone()
    };
    assert_eq!(found[0]["locations"], json!(["eastus"]));
    assert_eq!(
        [capability("vCPUs"), capability("HyperVGenerations"), capability("CpuArchitectureType")],
        ["2", "V1,V2", "x64"]
    );
    let said = az.run("vm list-skus -l eastus --resource-type snapshots -o table");
    assert!(said.out.contains("Standard_ZRS") && said.out.contains("None"), "{}{}", said.out, said.err);
}

/// Numbers as texts: az prints them either way.
fn texts(row: &Value) -> Value {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    row.as_array().unwrap().iter().map(text).collect()
}
