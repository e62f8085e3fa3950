//! `az disk`, `az snapshot`, `az image`, and the versions made of them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::galleries::{deleted, steps};
use super::{Az, Exchange};
use crate::clients::blob::BlobServer;
use crate::clients::disk::{convert, fixed_vhd, write_raw};
use crate::server::{Server, Start};

const SHELF: &str = "-g images -r shelf -i linux";
const VERSIONS: &str = "{group}/providers/Microsoft.Compute/galleries/shelf/images/linux/versions";
const SMALLEST_UPLOAD: u64 = 20_972_032;

#[test]
fn az_makes_disks_snapshots_and_images_and_versions_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let vhd = fixed_vhd(folder.path());
    let disk_bytes = vhd.len() - 512;
    let blob = BlobServer::serve(vhd);
    let az = Az::sign_in(Server::start(Start { config: blob.config(), ..Start::default() }));
    az.json("group create -n images -l westeurope");
    az.json("sig create -g images -r shelf");
    az.json(&format!("sig image-definition create {SHELF} --publisher p --offer o --sku s --os-type Linux --features SecurityType=Standard"));
    let account = "{group}/providers/Microsoft.Storage/storageAccounts/disks";
    let source = format!("--os-vhd-uri {} --os-vhd-storage-account {account}", blob.uri());
    az.json(&format!("sig image-version create {SHELF} -e 1.0.0 {source}"));

    disks_and_snapshots_come_from_a_version(&az, disk_bytes);
    blobs_become_disks(&az, &blob, disk_bytes);
    images_become_versions(&az);
    disks_are_granted_and_revoked(&az);
    disks_wait_for_uploads(&az);
    a_data_disk_is_exported(&az, disk_bytes);
    disks_go(&az);
}

/// The least VHD that may be uploaded.
fn vhd_to_upload(folder: &Path) -> PathBuf {
    let (raw, vhd) = (folder.join("upload.raw"), folder.join("upload.vhd"));
    write_raw(&raw, SMALLEST_UPLOAD - 512, 9);
    convert("raw", &raw, &["-O", "vpc", "-o", "subformat=fixed,force_size=on"], &vhd);
    assert_eq!(std::fs::metadata(&vhd).unwrap().len(), SMALLEST_UPLOAD);
    vhd
}

/// 202, an operation to poll and nothing else, then the disk itself.
fn made(exchanges: &[Exchange]) {
    let put = exchanges.iter().find(|exchange| exchange.method == "PUT").unwrap();
    assert_eq!((put.status, put.header("location")), (202, None));
    let operation = put.header("azure-asyncoperation").unwrap();
    assert!(operation.contains("/DiskOperations/"), "{operation}");
    let last = exchanges.last().unwrap();
    assert_eq!((last.method.as_str(), last.status, &last.url), ("GET", 200, &put.url));
}

fn disks_and_snapshots_come_from_a_version(az: &Az, disk_bytes: usize) {
    let (disk, exchanges) = az.exchanges(&format!(
        "disk create -g images -n first --gallery-image-reference {VERSIONS}/1.0.0 --sku Premium_LRS"
    ));
    made(&exchanges);
    assert_eq!((&disk["diskSizeBytes"], &disk["diskSizeGB"]), (&json!(disk_bytes), &json!(1)));
    assert_eq!((&disk["osType"], &disk["hyperVGeneration"]), (&json!("Linux"), &json!("V2")));
    assert_eq!(
        (&disk["sku"], &disk["tier"]),
        (&json!({"name": "Premium_LRS", "tier": "Premium"}), &json!("P1"))
    );
    assert_eq!(az.json("disk show -g images -n first"), disk);
    let (snapshot, exchanges) =
        az.exchanges("snapshot create -g images -n shot --source first --incremental");
    made(&exchanges);
    assert_eq!(snapshot["creationData"]["sourceUniqueId"], disk["uniqueId"]);
    assert_eq!(snapshot["incremental"], true);
    az.json("disk create -g images -n second --source shot");
    let empty = az.json("disk create -g images -n empty --size-gb 4");
    assert_eq!(
        (&empty["diskState"], &empty["provisioningState"]),
        (&json!("Unattached"), &json!("Succeeded"))
    );
    assert_eq!(az.json("disk update -g images -n empty --size-gb 8")["diskSizeBytes"], 8_u64 << 30);
    az.refuses(
        "disk update -g images -n empty --size-gb 7",
        1,
        "OperationNotAllowed",
        "Disk size reduction is not supported. Current size is 8589934592 bytes",
    );
    assert_eq!(az.json("disk list -g images --query [].name"), json!(["empty", "first", "second"]));
    assert_eq!(az.json("snapshot list --query [].name"), json!(["shot"]));
}

fn blobs_become_disks(az: &Az, blob: &BlobServer, disk_bytes: usize) {
    let snapshot = az.json(&format!("snapshot create -g images -n imported --source {}", blob.uri()));
    assert_eq!(snapshot["diskSizeBytes"], disk_bytes);
    let shown = snapshot["creationData"]["sourceUri"].as_str().unwrap();
    assert_eq!(Some(shown), blob.uri().split('?').next());
    assert!(!az.server.log().contains("c2lnbmF0dXJl"), "the signature is in the log");
}

fn images_become_versions(az: &Az) {
    let sources = "--source first --os-type Linux --hyper-v-generation V2 --data-disk-sources shot";
    let (image, exchanges) = az.exchanges(&format!("image create -g images -n golden {sources}"));
    let put = exchanges.iter().find(|exchange| exchange.method == "PUT").unwrap();
    assert_eq!((put.status, put.header("location")), (201, None));
    assert_eq!(image["provisioningState"], "Succeeded");
    assert_eq!(image["storageProfile"]["dataDisks"][0]["lun"], 0);
    assert_eq!(image["storageProfile"]["osDisk"]["diskSizeGB"], 1);
    assert_eq!(az.json("image show -g images -n golden"), image);
    assert_eq!(az.json("image list -g images --query [].name"), json!(["golden"]));
    let luns = "--query storageProfile.dataDiskImages[].[lun,sizeInGB]";
    let version =
        az.json(&format!("sig image-version create {SHELF} -e 2.0.0 --managed-image golden {luns}"));
    assert_eq!(version, json!([[0, 1]]));
    let sources = "--os-snapshot shot --data-snapshots imported shot --data-snapshot-luns 3 4";
    // The same snapshot twice is one source twice.
    az.refuses(
        &format!("sig image-version create {SHELF} -e 3.0.0 {sources}"),
        1,
        "InvalidParameter",
        "Duplicated source ids are found in the input disks",
    );
    let sources = "--os-snapshot shot --data-snapshots imported --data-snapshot-luns 3";
    let version = az.json(&format!("sig image-version create {SHELF} -e 3.0.0 {sources} {luns}"));
    assert_eq!(version, json!([[3, 1]]));
    let copy = az
        .json(&format!("sig image-version create {SHELF} -e 4.0.0 --image-version {VERSIONS}/3.0.0 {luns}"));
    assert_eq!(copy, json!([[3, 1]]));
}

fn disks_are_granted_and_revoked(az: &Az) {
    let (access, exchanges) = az.exchanges("disk grant-access -g images -n first --duration-in-seconds 3600");
    assert_eq!(steps(&exchanges).first().map(String::as_str), Some("GET 200"));
    let address = access["accessSAS"].as_str().unwrap();
    let base = az.server.connection().arm_endpoint.to_string();
    assert!(
        address.starts_with(&format!("{}/gallerist/sas/subscriptions/", base.trim_end_matches('/'))),
        "{address}"
    );
    assert!(address.contains(".vhd?sv=2018-03-28&sr=b&sp=r&se="), "{address}");
    let signature = address.rsplit_once("sig=").unwrap().1;
    assert!(!az.server.log().contains(signature), "the signature is in the log");
    assert_eq!(az.json("disk show -g images -n first --query diskState"), "ActiveSAS");
    az.refuses(
        "disk delete -y -g images -n first",
        1,
        "OperationNotAllowed",
        "active shared access signature",
    );
    az.quiet("disk revoke-access -g images -n first");
    assert_eq!(az.json("disk show -g images -n first --query diskState"), "Unattached");
    let access = az.json("snapshot grant-access -g images -n shot --duration-in-seconds 3600");
    assert!(access["accessSAS"].as_str().unwrap().contains("/snapshots/shot/"), "{access}");
    az.quiet("snapshot revoke-access -g images -n shot");
}

fn disks_wait_for_uploads(az: &Az) {
    let bytes = format!("--upload-size-bytes {SMALLEST_UPLOAD}");
    let disk =
        az.json(&format!("disk create -g images -n upload --upload-type Upload {bytes} --os-type Linux"));
    assert_eq!(disk["diskState"], "ReadyToUpload");
    let access =
        az.json("disk grant-access -g images -n upload --access-level Write --duration-in-seconds 3600");
    assert!(access["accessSAS"].as_str().unwrap().contains("&sp=rw&"), "{access}");
    assert_eq!(az.json("disk show -g images -n upload --query diskState"), "ActiveUpload");
    az.refuses(
        "snapshot create -g images -n early --source upload",
        1,
        "OperationNotAllowed",
        "is in state 'ActiveUpload'",
    );
    let vhd = vhd_to_upload(&az.server.scratch("."));
    let address = access["accessSAS"].as_str().unwrap();
    az.json(&format!(
        "storage blob upload --blob-url {address} -f {} --type page --no-progress",
        vhd.display()
    ));
    az.quiet("disk revoke-access -g images -n upload");
    assert_eq!(az.json("disk show -g images -n upload --query diskState"), "Unattached");
    let access = az.json("disk grant-access -g images -n upload --duration-in-seconds 3600");
    let (address, back) = (access["accessSAS"].as_str().unwrap(), az.server.scratch("back.vhd"));
    az.json(&format!("storage blob download --blob-url {address} -f {} --no-progress", back.display()));
    let (sent, came) = (std::fs::read(vhd).unwrap(), std::fs::read(back).unwrap());
    // Only the footer is our own.
    assert_eq!(sent.len(), came.len());
    assert!(sent[..sent.len() - 512] == came[..came.len() - 512]);
    az.quiet("disk revoke-access -g images -n upload");
}

fn a_data_disk_is_exported(az: &Az, disk_bytes: usize) {
    let file = az.server.scratch("data.raw");
    let place = ["-g", "images", "-r", "shelf", "-i", "linux", "-e", "3.0.0", "--lun", "3", "--json"];
    let mut export = az.server.command(&["export", "--format", "raw", "--output"]);
    let output = export.arg(&file).args(place).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["lun"], &told["sizeBytes"]), (&json!(3), &json!(disk_bytes)));
    assert_eq!(std::fs::metadata(&file).unwrap().len(), u64::try_from(disk_bytes).unwrap());
    let mut export = az.server.command(&["export", "--format", "raw", "--force", "--output"]);
    let refused = export.arg(&file).args(&place[..8]).args(["--lun", "9"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("no data disk with LUN 9"), "{said}");
}

fn disks_go(az: &Az) {
    let (nothing, exchanges) = az.exchanges("disk delete -y -g images -n second");
    assert!(nothing.is_null());
    deleted(&exchanges);
    az.quiet("snapshot delete -g images -n shot");
    az.quiet("image delete -g images -n golden");
    az.refuses("image show -g images -n golden", 3, "ResourceNotFound", "Microsoft.Compute/images/golden");
    let luns = "--query storageProfile.dataDiskImages[].lun";
    assert_eq!(az.json(&format!("sig image-version show {SHELF} -e 2.0.0 {luns}")), json!([0]));
}
