//! Versions of many disks, and managed images: every source a version may have, alone and mixed.

use disks::OutputFormat;
use metadata::{JobState, Store};
use serde_json::{Value, json};

use super::crash::Plan;
use super::disk::Disk;
use super::disks::{body, copy_of, made, of_image};
use super::web::{Manner, Web};
use super::world::{REGIONS, SUBSCRIPTION, World, body_from, compute, upload, version};
use crate::{Downloads, Regions};

fn vhd(disk: &Disk) -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    disks::write(OutputFormat::Vhd, disk, [7; 16], &mut file).unwrap();
    let mut bytes = Vec::new();
    std::io::Seek::rewind(&mut file).unwrap();
    std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    bytes
}

/// A managed disk with these bytes.
fn disk_of(world: &World, name: &str, disk: &Disk) -> String {
    let image = world.publish(&format!("9.{}.0", name.len()), disk, &["westeurope"]);
    let id = made(world, &format!("disks/{name}"), &body("westeurope", of_image(&image)));
    world.delete(&image);
    id
}

/// A disk of a version as it is read in `name`.
fn read(world: &World, id: &str, lun: Option<i64>, name: &str) -> Vec<u8> {
    let downloads = Downloads::new(world.life().engine.clone(), world.life().regions.clone());
    let found =
        world.run(downloads.find(&id.parse().unwrap(), Some(&super::world::region(name)), lun)).unwrap();
    let mut bytes = vec![0xee; usize::try_from(found.size_bytes).unwrap()];
    world.store(name).image(found.root, found.size_bytes).unwrap().read(0, &mut bytes).unwrap();
    bytes
}

fn stored(world: &World) -> u64 {
    REGIONS.map(|name| world.stored_bytes(name)).iter().sum()
}

fn internal(world: &World, id: &str) -> Value {
    world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap().document["internal"].clone()
}

fn failure(world: &World, id: &str, body: &Value) -> Value {
    let reply = world.put(id, body);
    world.run_due();
    match world.operation_of(&reply).state {
        JobState::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

/// A managed image of two disks, from a disk and a snapshot.
fn image(world: &World, os: &str, data: &str) -> String {
    let profile = json!({
        "osDisk": {"osType": "Linux", "osState": "Generalized", "managedDisk": {"id": os}},
        "dataDisks": [{"lun": 7, "caching": "ReadOnly", "snapshot": {"id": data}}],
    });
    let body = json!({"location": "westeurope", "properties": {"storageProfile": profile, "hyperVGeneration": "V2"}});
    made(world, "images/i", &body)
}

#[test]
fn a_version_of_every_kind_of_disk_stands_whole_in_every_region() {
    let world = World::with(|settings| settings.source.allow = vec!["127.0.0.1".parse().unwrap()]);
    let [os, first, second, third] = [1, 2, 3, 4].map(|seed| Disk::new(seed, 8));
    let disk = disk_of(&world, "os", &os);
    let other = disk_of(&world, "data", &first);
    let snapshot = made(&world, "snapshots/s", &body("westeurope", copy_of(&other)));
    let web = world.run(Web::serve(vhd(&second), Manner::Honest));
    world.upload(SUBSCRIPTION, "third", &third);
    let storage = json!({
        "osDiskImage": {"source": {"id": disk}},
        "dataDiskImages": [
            {"lun": 1, "source": {"id": snapshot}},
            {"lun": 0, "hostCaching": "ReadOnly", "source": {"uri": web.url()}},
            {"lun": 63, "source": {"id": upload(SUBSCRIPTION, "third")}},
        ],
    });
    let id = version("1.0.0");
    world.made(&id, &body_from(&storage, &REGIONS));
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded", "{}", world.get(&id));
    let profile = world.get(&id)["properties"]["storageProfile"].clone();
    assert_eq!(profile["osDiskImage"]["sizeInGB"], 1);
    let data = profile["dataDiskImages"].as_array().unwrap();
    let shown: Vec<Value> =
        data.iter().map(|disk| json!([disk["lun"], disk["sizeInGB"], disk["hostCaching"]])).collect();
    assert_eq!(json!(shown), json!([[1, 1, "None"], [0, 1, "ReadOnly"], [63, 1, "None"]]));
    assert!(!internal(&world, &id).to_string().contains("canary") && !profile.to_string().contains("canary"));
    for gone in [&disk, &other, &snapshot] {
        world.delete(gone);
    }
    world.collect();
    for region in REGIONS {
        for (lun, disk) in [(None, &os), (Some(1), &first), (Some(0), &second), (Some(63), &third)] {
            assert!(read(&world, &id, lun, region) == disk.bytes(), "{lun:?} in {region}");
        }
    }
    let progress = world.replica(&id, "eastus").unwrap();
    assert!(progress.done_bytes >= 4 * 4 * (64 << 10), "{progress:?}");
    world.is_clean();
    world.delete(&id);
    world.collect();
    assert_eq!(stored(&world), 0);
    world.is_clean();
}

#[test]
fn where_each_disk_came_from_is_noted() {
    let world = World::new();
    let os = disk_of(&world, "os", &Disk::new(1, 4));
    let snapshot = made(&world, "snapshots/s", &body("westeurope", copy_of(&os)));
    let storage = json!({"osDiskImage": {"source": {"id": os}}, "dataDiskImages": [{"lun": 4, "source": {"id": snapshot}}]});
    world.made(&version("1.0.0"), &body_from(&storage, &["westeurope"]));
    world.run_due();
    let lineage = internal(&world, &version("1.0.0"))["lineage"].clone();
    assert_eq!((&lineage["kind"], &lineage["id"]), (&json!("disk"), &json!(os)));
    assert_eq!(lineage["dataDisks"][0]["lun"], 4);
    assert_eq!(lineage["dataDisks"][0]["source"]["id"], snapshot);
    assert!(!world.get(&version("1.0.0")).to_string().contains("lineage"));
}

#[test]
fn what_is_copied_here_adds_no_byte() {
    let world = World::new();
    let (os, data) = (Disk::new(1, 8), Disk::new(2, 8));
    let disk = disk_of(&world, "os", &os);
    let other = disk_of(&world, "data", &data);
    world.collect();
    let before = stored(&world);
    let snapshot = made(&world, "snapshots/s", &body("westeurope", copy_of(&other)));
    let image = image(&world, &disk, &snapshot);
    let shallow = |name: &str, storage: Value| {
        let mut body = body_from(&storage, &["westeurope"]);
        body["properties"]["publishingProfile"]["replicationMode"] = json!("Shallow");
        world.made(&version(name), &body);
        world.run_due();
        assert_eq!(world.state(&version(name)), "Succeeded");
    };
    shallow("1.0.0", json!({"source": {"id": image}}));
    shallow("1.0.1", json!({"source": {"id": version("1.0.0")}}));
    shallow(
        "1.0.2",
        json!({"osDiskImage": {"source": {"id": snapshot}}, "dataDiskImages": [{"lun": 0, "source": {"id": disk}}]}),
    );
    let mut of_lun = of_image(&version("1.0.1"));
    of_lun["galleryImageReference"]["lun"] = json!(7);
    let back = made(&world, "disks/back", &body("westeurope", of_lun));
    world.collect();
    assert_eq!(stored(&world), before);
    assert_eq!(world.bytes_of(&back, "westeurope"), data.bytes());
    assert_eq!(read(&world, &version("1.0.1"), Some(7), "westeurope"), data.bytes());
    world.is_clean();
}

#[test]
fn a_version_of_a_managed_image_has_its_disks() {
    let world = World::new();
    let (os, data) = (Disk::new(1, 8), Disk::new(2, 4));
    let disk = disk_of(&world, "os", &os);
    let other = disk_of(&world, "data", &data);
    let snapshot = made(&world, "snapshots/s", &body("westeurope", copy_of(&other)));
    let image = image(&world, &disk, &snapshot);
    let shown = world.get(&image);
    assert_eq!(shown["properties"]["storageProfile"]["osDisk"]["diskSizeGB"], 1);
    assert_eq!(shown["properties"]["storageProfile"]["dataDisks"][0]["diskSizeGB"], 1);
    for gone in [&disk, &other, &snapshot] {
        world.delete(gone);
    }
    world.collect();
    world.made(&version("1.0.0"), &body_from(&json!({"source": {"id": image}}), &REGIONS));
    world.run_due();
    let profile = world.get(&version("1.0.0"))["properties"]["storageProfile"].clone();
    assert_eq!(profile["dataDiskImages"], json!([{"lun": 7, "sizeInGB": 1, "hostCaching": "ReadOnly"}]));
    world.delete(&image);
    world.collect();
    world.stands(&version("1.0.0"), &os, &REGIONS);
    assert_eq!(read(&world, &version("1.0.0"), Some(7), "northeurope"), data.bytes());
    // What is shown may be put back, and regions may come later.
    world.made(&version("2.0.0"), &body_from(&json!({"source": {"id": version("1.0.0")}}), &["westeurope"]));
    world.run_due();
    assert_eq!(
        world.get(&version("2.0.0"))["properties"]["storageProfile"]["dataDiskImages"],
        profile["dataDiskImages"]
    );
    world.delete(&version("1.0.0"));
    world.collect();
    let mut echoed = world.get(&version("2.0.0"));
    echoed["properties"]["publishingProfile"]["targetRegions"] =
        json!([{"name": "westeurope"}, {"name": "eastus"}]);
    world.made(&version("2.0.0"), &echoed);
    world.run_due();
    world.stands(&version("2.0.0"), &os, &["westeurope", "eastus"]);
    assert_eq!(read(&world, &version("2.0.0"), Some(7), "eastus"), data.bytes());
    world.is_clean();
}

#[test]
fn a_disk_that_a_version_does_not_have_is_named() {
    let world = World::new();
    let id = world.publish("1.0.0", &Disk::new(1, 4), &["westeurope"]);
    let downloads = Downloads::new(world.life().engine.clone(), Regions::clone(&world.life().regions));
    let refused = world.run(downloads.find(&id.parse().unwrap(), None, Some(3))).unwrap_err();
    assert!(refused.to_string().contains("no data disk with LUN 3"), "{refused}");
    let mut of_lun = of_image(&super::world::definition(SUBSCRIPTION));
    of_lun["galleryImageReference"]["lun"] = json!(3);
    let error = failure(&world, &compute("disks/d"), &body("westeurope", of_lun));
    assert_eq!(error["code"], "InvalidParameter");
    assert!(error["message"].as_str().unwrap().contains("imageReference is invalid"), "{error}");
}

#[test]
fn one_data_disk_that_is_gone_fails_the_whole_and_leaves_nothing() {
    let world = World::new();
    let os = disk_of(&world, "os", &Disk::new(1, 4));
    let data = disk_of(&world, "data", &Disk::new(2, 4));
    let storage = json!({"osDiskImage": {"source": {"id": os}}, "dataDiskImages": [{"lun": 0, "source": {"id": data}}]});
    let reply = world.put(&version("1.0.0"), &body_from(&storage, &REGIONS));
    world.delete(&data);
    world.run_due();
    let JobState::Failed(error) = world.operation_of(&reply).state else { panic!("it has not failed") };
    assert!(error["target"].as_str().unwrap().contains("LUN 0"), "{error}");
    world.delete(&os);
    world.collect();
    assert_eq!(stored(&world), 0);
    world.is_clean();
}

#[test]
fn a_managed_image_from_a_blob_may_be_larger_than_it() {
    let world = World::with(|settings| settings.source.allow = vec!["127.0.0.1".parse().unwrap()]);
    let disk = Disk::new(1, 8);
    let web = world.run(Web::serve(vhd(&disk), Manner::Honest));
    let os = |gib: u32| json!({"osDisk": {"osType": "Linux", "osState": "Generalized", "blobUri": web.url(), "diskSizeGB": gib}});
    let body = |gib| json!({"location": "westeurope", "properties": {"storageProfile": os(gib)}});
    let id = made(&world, "images/i", &body(2));
    assert_eq!(internal(&world, &id)["sizeBytes"], 2_u64 << 30);
    assert!(!internal(&world, &id).to_string().contains("canary"));
    world.is_clean();
}

#[test]
fn a_copy_that_fails_in_one_region_is_healed_with_all_its_disks() {
    let world = World::new();
    let (os, data) = (Disk::new(1, 8), Disk::new(2, 8));
    let disk = disk_of(&world, "os", &os);
    let other = disk_of(&world, "data", &data);
    world.faults.break_region("eastus");
    let storage = json!({"osDiskImage": {"source": {"id": disk}}, "dataDiskImages": [{"lun": 0, "source": {"id": other}}]});
    world.made(&version("1.0.0"), &body_from(&storage, &REGIONS));
    world.run_due();
    assert_eq!(world.state(&version("1.0.0")), "Failed");
    assert_eq!(read(&world, &version("1.0.0"), Some(0), "northeurope"), data.bytes());
    world.delete(&disk);
    world.delete(&other);
    world.collect();
    world.faults.mend_region("eastus");
    world.clock.advance(3600);
    world.run_due();
    assert_eq!(world.state(&version("1.0.0")), "Succeeded");
    world.stands(&version("1.0.0"), &os, &REGIONS);
    assert_eq!(read(&world, &version("1.0.0"), Some(0), "eastus"), data.bytes());
    world.is_clean();
}

/// A version of two disks in three regions.
fn publish() -> Plan<(Disk, Disk)> {
    Plan {
        about_to: || {
            let world = World::new();
            let (os, data) = (Disk::new(1, 4), Disk::new(2, 4));
            let disk = disk_of(&world, "os", &os);
            let other = disk_of(&world, "data", &data);
            world.collect();
            let storage = json!({"osDiskImage": {"source": {"id": disk}}, "dataDiskImages": [{"lun": 0, "source": {"id": other}}]});
            world.made(&version("1.0.0"), &body_from(&storage, &REGIONS));
            (world, (os, data))
        },
        is_done: |world, (os, data)| {
            assert_eq!(world.state(&version("1.0.0")), "Succeeded");
            world.stands(&version("1.0.0"), os, &REGIONS);
            for name in REGIONS {
                assert!(read(world, &version("1.0.0"), Some(0), name) == data.bytes());
            }
        },
    }
}

/// A managed image of two disks, one of them in another region.
fn capture() -> Plan<()> {
    Plan {
        about_to: || {
            let world = World::new();
            let disk = disk_of(&world, "os", &Disk::new(1, 4));
            let other = disk_of(&world, "data", &Disk::new(2, 4));
            let far = made(&world, "snapshots/far", &body("eastus", copy_of(&other)));
            world.delete(&other);
            world.collect();
            let profile = json!({
                "osDisk": {"osType": "Linux", "osState": "Generalized", "managedDisk": {"id": disk}},
                "dataDisks": [{"lun": 0, "snapshot": {"id": far}}],
            });
            world.made(
                &compute("images/i"),
                &json!({"location": "westeurope", "properties": {"storageProfile": profile}}),
            );
            (world, ())
        },
        is_done: |world, ()| {
            assert_eq!(world.state(&compute("images/i")), "Succeeded");
            assert_eq!(world.bytes_of(&compute("images/i"), "westeurope"), Disk::new(1, 4).bytes());
            assert!(internal(world, &compute("images/i"))["dataDisks"][0]["root"].is_string());
        },
    }
}

#[test]
fn a_version_of_many_disks_resumes_wherever_the_process_died() {
    publish().resumes_wherever_the_process_died();
}

#[test]
fn a_version_of_many_disks_is_tried_again_when_anything_fails() {
    publish().is_tried_again_when_the_rows_fail();
    publish().is_tried_again_when_a_disk_fails();
}

#[test]
fn a_managed_image_survives_all_that() {
    capture().resumes_wherever_the_process_died();
    capture().is_tried_again_when_the_rows_fail();
    capture().is_tried_again_when_a_disk_fails();
}
