//! `az sig image-version undelete` and `list-soft-deleted`.

use serde_json::json;

use super::Az;
use super::galleries::deleted;
use crate::clients::disk::write_raw;
use crate::server::Server;

const SHELF: &str = "-g images -r shelf -i linux";

#[test]
fn az_takes_a_deleted_version_back() {
    let az = Az::sign_in(Server::with_defaults());
    az.json("group create -n images -l westeurope");
    let policy = az.json("sig create -g images -r shelf --soft-delete true --query softDeletePolicy");
    assert_eq!(policy, json!({"isSoftDeleteEnabled": true, "retentionPeriodInDays": 7}));
    let disk = az.server.scratch("disk.raw");
    write_raw(&disk, 16 << 20, 3);
    let output = az.server.publish(&disk, "raw", "1.0.0", &[]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let before = az.json(&format!("sig image-version show {SHELF} -e 1.0.0"));

    let (_, exchanges) = az.exchanges(&format!("sig image-version delete {SHELF} -e 1.0.0"));
    deleted(&exchanges);
    assert_eq!(az.json(&format!("sig image-version list {SHELF}")), json!([]));
    let kept = az.json(&format!("sig image-version list-soft-deleted {SHELF}"));
    assert_eq!((&kept[0]["name"], &kept[0]["resourceArmId"]), (&json!("1.0.0"), &before["id"]));
    assert_eq!(kept[0]["softDeletedArtifactType"], "Images");
    az.refuses(
        "sig image-definition delete -g images -r shelf -i linux",
        1,
        "CannotDeleteResource",
        "Soft-deleted",
    );
    az.refuses(
        &format!("sig image-version create {SHELF} -e 1.0.0 --os-vhd-uri http://127.0.0.1:9/os.vhd --os-vhd-storage-account disks"),
        1,
        "Conflict",
        "is soft-deleted",
    );

    let (restored, exchanges) = az.exchanges(&format!("sig image-version undelete {SHELF} -e 1.0.0"));
    assert_eq!(restored, before);
    let put = exchanges.iter().find(|exchange| exchange.method == "PUT").unwrap();
    assert_eq!((put.status, put.body["properties"]["provisioningState"].as_str()), (200, Some("Updating")));
    assert_eq!(az.json(&format!("sig image-version list-soft-deleted {SHELF}")), json!([]));

    az.quiet(&format!("sig image-version delete {SHELF} -e 1.0.0"));
    let purge = "rest --method delete --url {group}/providers/Microsoft.Compute/galleries/shelf/softDeletedArtifactTypes/Images/artifacts/linux/versions/1.0.0?api-version=2026-03-03";
    az.quiet(purge);
    assert_eq!(az.json(&format!("sig image-version list-soft-deleted {SHELF}")), json!([]));
    az.json("sig update -g images -r shelf --soft-delete false");
    az.refuses(
        &format!("sig image-version undelete {SHELF} -e 1.0.0"),
        1,
        "",
        "soft-deletion is not enabled",
    );
    az.quiet("sig image-definition delete -g images -r shelf -i linux");
}
