//! Blobs in storage accounts of this installation as sources: settled once, shared from then on.

use std::sync::Arc;

use bytes::Bytes;
use metadata::JobState;
use serde_json::{Value, json};

use super::crash::Plan;
use super::disk::Disk;
use super::disks::{UPLOAD_BYTES, made, vhd};
use super::world::{REGIONS, SUBSCRIPTION, World, body_from, compute, group, version};
use crate::blobs::{Blobs, Conditions, NewBlob};

fn account() -> String {
    format!("{}/providers/Microsoft.Storage/storageAccounts/acct", group(SUBSCRIPTION))
}

fn uri(name: &str) -> String {
    format!("https://127.0.0.1:8443/acct/vhds/{name}?sv=1&sig=canary")
}

fn blobs_of(world: &World) -> Arc<Blobs> {
    let life = world.life();
    let (clock, ids) = (world.clock.clone(), world.ids.clone());
    Arc::new(Blobs::new(life.engine.clone(), life.regions.clone(), world.staging(), clock, ids))
}

fn with_account(world: &World) {
    world.made(&account(), &json!({"location": "westeurope"}));
    world.made(&format!("{}/blobServices/default/containers/vhds", account()), &json!({}));
}

/// A page blob of these bytes, written as clients do: only what is not zero.
fn blob(world: &World, name: &str, bytes: &[u8]) {
    let (blobs, container) = (blobs_of(world), container());
    let size = u64::try_from(bytes.len()).unwrap();
    let none = Conditions::default();
    world.run(blobs.create_page(&container, name, size, NewBlob::default(), &none)).unwrap();
    let piece = 64 << 10;
    for (at, page) in bytes.chunks(piece).enumerate().filter(|(_, page)| page.iter().any(|byte| *byte != 0)) {
        let start = u64::try_from(at * piece).unwrap();
        let range = start..start + u64::try_from(page.len()).unwrap();
        let page = Some(Bytes::copy_from_slice(page));
        world.run(blobs.write_pages(&container, name, range, page, &none)).unwrap();
    }
}

fn container() -> arm::ResourceId {
    providers::storage::container::id_of(&account().parse().unwrap(), "vhds").unwrap()
}

fn source(name: &str) -> Value {
    json!({"uri": uri(name), "storageAccountId": account()})
}

fn from_blobs() -> Value {
    json!({"osDiskImage": {"source": source("os.vhd")}, "dataDiskImages": [{"lun": 1, "source": source("data.vhd")}]})
}

fn stored(world: &World) -> u64 {
    REGIONS.map(|name| world.stored_bytes(name)).iter().sum()
}

#[test]
fn a_version_and_a_disk_of_own_blobs_share_their_bytes() {
    let world = World::new();
    with_account(&world);
    let (os, data) = (Disk::new(1, 8), Disk::new(2, 8));
    blob(&world, "os.vhd", &vhd(&os));
    blob(&world, "data.vhd", &vhd(&data));
    world.made(&version("1.0.0"), &body_from(&from_blobs(), &["westeurope"]));
    world.run_due();
    assert_eq!(world.state(&version("1.0.0")), "Succeeded", "{}", world.get(&version("1.0.0")));
    assert!(world.read(&version("1.0.0"), "westeurope").unwrap().starts_with(os.bytes()));
    assert!(!world.get(&version("1.0.0")).to_string().contains("canary"));
    world.sweep();
    assert!(world.staging().names().unwrap().is_empty());
    let before = stored(&world);
    let creation =
        json!({"createOption": "Import", "sourceUri": uri("data.vhd"), "storageAccountId": account()});
    let body = json!({"location": "westeurope", "properties": {"creationData": creation}});
    let disk = made(&world, "disks/d", &body);
    assert_eq!(world.get(&disk)["properties"]["diskSizeBytes"], UPLOAD_BYTES);
    assert!(world.bytes_of(&disk, "westeurope").starts_with(data.bytes()));
    assert_eq!(stored(&world), before);
    // A blob that is written again, or goes, is another matter.
    let page = Some(Bytes::from(vec![9; 4096]));
    let none = Conditions::default();
    world.run(blobs_of(&world).write_pages(&container(), "os.vhd", 0..4096, page, &none)).unwrap();
    world.delete(&account());
    world.collect();
    world.sweep();
    assert!(world.read(&version("1.0.0"), "westeurope").unwrap().starts_with(os.bytes()));
    assert!(world.bytes_of(&disk, "westeurope").starts_with(data.bytes()));
    world.is_clean();
}

#[test]
fn a_blob_that_is_no_vhd_fails_in_words() {
    let world = World::new();
    with_account(&world);
    blob(&world, "os.vhd", Disk::new(1, 8).bytes());
    let storage = json!({"osDiskImage": {"source": source("os.vhd")}});
    let reply = world.put(&version("1.0.0"), &body_from(&storage, &["westeurope"]));
    world.run_due();
    let JobState::Failed(error) = world.operation_of(&reply).state else { panic!("it has not failed") };
    assert_eq!(error["code"], "InvalidVhd", "{error}");
    let missing = json!({"osDiskImage": {"source": source("other.vhd")}});
    let refused = world.put(&version("1.0.1"), &body_from(&missing, &["westeurope"]));
    assert_eq!(refused.status, 404, "{refused:?}");
    world.collect();
    world.is_clean();
}

/// A disk of a blob whose account lies elsewhere: settled there, then copied.
fn import() -> Plan<Disk> {
    Plan {
        about_to: || {
            let world = World::new();
            with_account(&world);
            let disk = Disk::new(1, 4);
            blob(&world, "os.vhd", &vhd(&disk));
            let creation =
                json!({"createOption": "Import", "sourceUri": uri("os.vhd"), "storageAccountId": account()});
            let body = json!({"location": "eastus", "properties": {"creationData": creation}});
            world.made(&compute("disks/d"), &body);
            (world, disk)
        },
        is_done: |world, disk| {
            assert_eq!(world.state(&compute("disks/d")), "Succeeded");
            assert!(world.bytes_of(&compute("disks/d"), "eastus").starts_with(disk.bytes()));
        },
    }
}

#[test]
fn an_import_of_an_own_blob_survives_all_that() {
    import().resumes_wherever_the_process_died();
    import().is_tried_again_when_the_rows_fail();
}
