//! `az sig image-definition`.

use serde_json::json;

use super::Az;
use super::galleries::{finished, steps};
use crate::server::Server;

/// Everything that az sends of a definition.
const EVERYTHING: &str = "sig image-definition create -g images -r shelf -i Linux --publisher Example --offer Server \
     --sku 12-gen2 --os-type Linux --os-state Specialized --hyper-v-generation V2 --architecture Arm64 \
     --features 'SecurityType=TrustedLaunchSupported IsAcceleratedNetworkSupported=true DiskControllerTypes=scsi,nvme' \
     --end-of-life-date 2040-02-03 --eula https://example.org/eula --minimum-cpu-core 2 --maximum-cpu-core 8 \
     --minimum-memory 1 --maximum-memory 16 --disallowed-disk-types Standard_LRS UltraSSD_LRS --plan-name n \
     --plan-product p --plan-publisher b --tags team=os";

#[test]
fn az_makes_changes_and_deletes_definitions() {
    let az = Az::sign_in(Server::with_defaults());
    az.json("group create -n images -l westeurope");
    az.json("sig create -g images -r shelf");
    let (linux, exchanges) = az.exchanges(EVERYTHING);
    let gallery = format!(
        "/subscriptions/{}/resourceGroups/images/providers/Microsoft.Compute/galleries/shelf",
        az.subscription
    );
    let wanted = json!({
        "architecture": "Arm64", "disallowed": {"diskTypes": ["Standard_LRS", "UltraSSD_LRS"]},
        "endOfLifeDate": "2040-02-03T12:59:59+00:00", "eula": "https://example.org/eula",
        "features": [
            {"name": "SecurityType", "value": "TrustedLaunchSupported"},
            {"name": "IsAcceleratedNetworkSupported", "value": "True"},
            {"name": "DiskControllerTypes", "value": "SCSI, NVMe"},
        ],
        "hyperVGeneration": "V2", "id": format!("{gallery}/images/Linux"),
        "identifier": {"offer": "Server", "publisher": "Example", "sku": "12-gen2"},
        "location": "westeurope", "name": "Linux", "osState": "Specialized", "osType": "Linux",
        "provisioningState": "Succeeded",
        "purchasePlan": {"name": "n", "product": "p", "publisher": "b"},
        "recommended": {"memory": {"max": 16, "min": 1}, "vCPUs": {"max": 8, "min": 2}},
        "resourceGroup": "images", "tags": {"team": "os"}, "type": "Microsoft.Compute/galleries/images",
    });
    assert_eq!(linux, wanted);
    assert_eq!(steps(&exchanges), ["GET 200", "PUT 201"]);
    finished(exchanges.last().unwrap());

    assert_eq!(az.json("sig image-definition show -g images -r shelf -i LINUX"), linux);
    let plain = "-i plain --publisher Example --offer Server --sku plain --os-type Windows";
    let plain = az.json(&format!("sig image-definition create -g images -r shelf {plain}"));
    // az itself fills these in, a value at a time.
    assert_eq!(
        [&plain["osState"], &plain["hyperVGeneration"], &plain["architecture"], &plain["features"]],
        [
            &json!("Generalized"),
            &json!("V2"),
            &json!("x64"),
            &json!([{"name": "SecurityType", "value": "TrustedLaunchSupported"}])
        ]
    );
    assert_eq!(az.json("sig image-definition list -g images -r shelf"), json!([linux, plain]));

    let update =
        "--set description='For servers' recommended.vCPUs.max=16 tags.stage=test --remove endOfLifeDate";
    let (updated, exchanges) =
        az.exchanges(&format!("sig image-definition update -g images -r shelf -i Linux {update}"));
    assert_eq!(
        [
            &updated["description"],
            &updated["recommended"]["vCPUs"],
            &updated["tags"],
            &updated["endOfLifeDate"]
        ],
        [
            &json!("For servers"),
            &json!({"max": 16, "min": 2}),
            &json!({"team": "os", "stage": "test"}),
            &json!(null)
        ]
    );
    assert_eq!(updated["features"], linux["features"]);
    assert_eq!(steps(&exchanges), ["GET 200", "PUT 200"]);
    finished(exchanges.last().unwrap());
    az.quiet("sig image-definition wait -g images -r shelf -i Linux --updated --interval 1");

    az.quiet("sig image-definition delete -g images -r shelf -i plain");
    assert_eq!(az.json("sig image-definition list -g images -r shelf --query [].name"), json!(["Linux"]));
    az.refuses(
        "sig image-definition show -g images -r shelf -i plain", 3, "ResourceNotFound",
        "The Resource 'Microsoft.Compute/galleries/shelf/images/plain' under resource group 'images' was not found.",
    );
}
