//! The main job as one story, told by az and the storage SDK: bytes in through a disk, out through a snapshot, and what
//! people see of them in between.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::Az;
use crate::clients::disk::{convert, write_raw};
use crate::clients::prepared;
use crate::server::Server;

const MIB: u64 = 1 << 20;
const DISK_BYTES: u64 = 32 * MIB;
const FOOTER_BYTES: usize = 512;

#[test]
fn a_disk_goes_in_by_upload_and_comes_out_of_a_snapshot_the_same() {
    let az = Az::sign_in(Server::with_defaults());
    az.json("group create -n images -l westeurope");
    let sent = disk_in(&az, "sent", 41);

    let made = az.json(&format!(
        "disk create -g images -n up --upload-type Upload --upload-size-bytes {} --os-type Linux --hyper-v-generation V2",
        DISK_BYTES + 512
    ));
    assert_eq!((&made["diskState"], &made["diskSizeGB"]), (&json!("ReadyToUpload"), &json!(1)));
    let access = az.json("disk grant-access -g images -n up --access-level Write --duration-in-seconds 3600");
    let sas = access["accessSAS"].as_str().unwrap().to_owned();
    blob(&az, &["upload", &sas, path(&sent)]);
    az.json("disk revoke-access -g images -n up");
    assert_eq!(az.json("disk show -g images -n up --query diskState"), "Unattached");
    let stolen = az.server.scratch("stolen.vhd");
    assert!(blob_fails(&az, &["download", &sas, path(&stolen)]), "a revoked address must open nothing");

    az.json("snapshot create -g images -n snap --source up");
    az.json("image create -g images -n managed --source snap --os-type Linux --hyper-v-generation V2");
    publish(&az);
    lists(&az);
    tables(&az);

    let access = az.json("snapshot grant-access -g images -n snap --duration-in-seconds 3600");
    let received = az.server.scratch("received.vhd");
    blob(&az, &["download", access["accessSAS"].as_str().unwrap(), path(&received)]);
    assert_eq!(disk_of(&received), disk_of(&sent), "the disk is the same at both ends");
    let again = az.server.scratch("again.vhd");
    let sas = access["accessSAS"].as_str().unwrap();
    az.json(&format!("storage blob download --blob-url {sas} -f {} --no-progress", path(&again)));
    assert_eq!(disk_of(&again), disk_of(&sent), "az reads what the SDK reads");
    let exported = az.server.scratch("exported.raw");
    let mut export = az.server.command(&["export", "--resource-group", "images", "--gallery", "shelf"]);
    export.args(["--definition", "linux", "--version", "1.0.10", "--format", "raw", "--region", "eastus"]);
    let output = export.arg("--output").arg(&exported).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read(&exported).unwrap(), disk_of(&sent), "another region has it too");
}

/// Two versions, from the snapshot and from the managed image, in two regions each.
fn publish(az: &Az) {
    az.json("sig create -g images -r shelf");
    let names =
        "--publisher contoso --offer debian --sku 12 --os-type Linux --features SecurityType=Standard";
    let definition = "-g images -r shelf -i linux";
    let said = az.run(&format!("sig image-definition create {definition} {names} -o table"));
    assert_eq!(said.out, DEFINITION);
    let targets = "--target-regions westeurope eastus";
    for (name, source) in [("1.0.2", "--os-snapshot snap"), ("1.0.10", "--managed-image managed")] {
        let made = az.json(&format!("sig image-version create {definition} -e {name} {source} {targets}"));
        assert_eq!(made["provisioningState"], "Succeeded");
    }
    let states = "--expand ReplicationStatus --query replicationStatus.summary[].state";
    let states = az.json(&format!("sig image-version show {definition} -e 1.0.10 {states}"));
    assert_eq!(states, json!(["Completed", "Completed"]));
}

const DEFINITION: &str = "\
Architecture    HyperVGeneration    Location    Name    OsState      OsType    ProvisioningState    ResourceGroup
--------------  ------------------  ----------  ------  -----------  --------  -------------------  ---------------
x64             V2                  westeurope  linux   Generalized  Linux     Succeeded            images
";

/// What there is besides, as far as scripts ask for it.
fn lists(az: &Az) {
    let size = "Standard_D2s_v5";
    let cases = [
        ("disk list -g images --query [].name".to_owned(), json!(["up"])),
        ("snapshot list -g images --query [].name".to_owned(), json!(["snap"])),
        ("image list -g images --query [].[name,hyperVGeneration]".to_owned(), json!([["managed", "V2"]])),
        (format!("vm list-sizes -l eastus --query [?name==`{size}`].numberOfCores"), json!([2])),
        (format!("vm list-skus -l eastus --size {size} --query [].name"), json!([size])),
    ];
    for (line, wanted) in cases {
        assert_eq!(az.json(&line), wanted, "az {line}");
    }
}

/// What people read: the tables that az makes of our answers.
fn tables(az: &Az) {
    let mut list = az.server.command(&["marketplace", "import", "--from-gallery", "images/shelf"]);
    let listed = list.output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let cases = [
        ("sig image-definition list -g images -r shelf", DEFINITION),
        ("sig image-definition show -g images -r shelf -i linux", DEFINITION),
        (
            "sig show -g images -r shelf",
            "\
Location    Name    ProvisioningState    ResourceGroup
----------  ------  -------------------  ---------------
westeurope  shelf   Succeeded            images
",
        ),
        (
            "sig image-version list -g images -r shelf -i linux",
            "\
Location    Name    ProvisioningState    ResourceGroup
----------  ------  -------------------  ---------------
westeurope  1.0.2   Succeeded            images
westeurope  1.0.10  Succeeded            images
",
        ),
        (
            "sig image-version show -g images -r shelf -i linux -e 1.0.10",
            "\
Name    ResourceGroup    ProvisioningState    TargetRegions
------  ---------------  -------------------  --------------------
1.0.10  images           Succeeded            West Europe, East US
",
        ),
        (
            "vm image list --publisher contoso --offer debian --sku 12 --all",
            "\
Architecture    Offer    Publisher    Sku    Urn                       Version
--------------  -------  -----------  -----  ------------------------  ---------
x64             debian   contoso      12     contoso:debian:12:1.0.2   1.0.2
x64             debian   contoso      12     contoso:debian:12:1.0.10  1.0.10
",
        ),
        (
            "rest --method get --url {group}/providers/Microsoft.Compute/galleries?api-version=2024-03-03 --query value[].name",
            "Result\n--------\nshelf\n",
        ),
    ];
    for (line, table) in cases {
        let said = az.run(&format!("{line} -o table"));
        assert_eq!((said.code, said.out.as_str()), (Some(0), table), "az {line}\n{}", said.err);
    }
}

/// A small fixed VHD whose disk is a whole number of MiB.
fn disk_in(az: &Az, name: &str, seed: u64) -> PathBuf {
    let (raw, vhd) = (az.server.scratch(&format!("{name}.raw")), az.server.scratch(&format!("{name}.vhd")));
    write_raw(&raw, DISK_BYTES, seed);
    convert("raw", &raw, &["-O", "vpc", "-o", "subformat=fixed,force_size=on"], &vhd);
    vhd
}

/// The disk in a fixed VHD.
fn disk_of(vhd: &Path) -> Vec<u8> {
    let mut bytes = fs::read(vhd).unwrap();
    bytes.truncate(bytes.len() - FOOTER_BYTES);
    bytes
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs `tests/clients/blob.py`: the public storage SDK on an address with a signature.
fn blob(az: &Az, arguments: &[&str]) {
    let output = blob_command(az, arguments).output().unwrap();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), az.server.log());
}

fn blob_fails(az: &Az, arguments: &[&str]) -> bool {
    !blob_command(az, arguments).output().unwrap().status.success()
}

fn blob_command(az: &Az, arguments: &[&str]) -> Command {
    let mut python = Command::new(prepared("GALLERIST_PYTHON"));
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/page_blob.py"));
    python.args(arguments).env("REQUESTS_CA_BUNDLE", az.server.connection().ca_file);
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python
}
