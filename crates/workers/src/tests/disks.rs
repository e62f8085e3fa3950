//! Managed disks and snapshots: their bytes are there, are shared, and go with the last that needs them.

#![expect(clippy::needless_pass_by_value, reason = "bodies read best as the values they are")]

use control::Method;
use disks::WriteAt;
use metadata::{JobState, Store};
use rstest::rstest;
use serde_json::{Value, json};

use super::crash::Plan;
use super::disk::Disk;
use super::web::{Manner, Web};
use super::world::{SUBSCRIPTION, group};
use super::world::{World, compute, definition, upload, version};
use crate::image::Image;
use crate::{Content, Error, Granted, Grants};

/// The least that may be uploaded, without its footer.
const UPLOAD_BYTES: usize = 20 << 20;

pub(crate) fn body(region: &str, creation: Value) -> Value {
    json!({"location": region, "properties": {"creationData": creation}})
}

pub(crate) fn copy_of(id: &str) -> Value {
    json!({"createOption": "Copy", "sourceResourceId": id})
}

pub(crate) fn of_image(id: &str) -> Value {
    json!({"createOption": "FromImage", "galleryImageReference": {"id": id}})
}

fn upload_of(bytes: usize) -> Value {
    body("westeurope", json!({"createOption": "Upload", "uploadSizeBytes": bytes + 512}))
}

/// A disk that stands.
pub(crate) fn made(world: &World, path: &str, body: &Value) -> String {
    let id = compute(path);
    world.made(&id, body);
    world.run_due();
    assert_eq!(world.state(&id), "Succeeded", "{}", world.get(&id));
    id
}

fn stored(world: &World) -> u64 {
    ["westeurope", "northeurope", "eastus"].map(|name| world.stored_bytes(name)).iter().sum()
}

/// The name of the file that a client writes to.
fn staged(world: &World, id: &str) -> uuid::Uuid {
    let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    row.document["internal"]["staged"].as_str().unwrap().parse().unwrap()
}

/// A fixed VHD of the least size that begins with `disk`.
fn vhd(disk: &Disk) -> Vec<u8> {
    let mut bytes = disk.bytes().to_vec();
    bytes.resize(UPLOAD_BYTES, 0);
    bytes.extend(disks::fixed_vhd_footer(bytes.len().try_into().unwrap(), [1; 16]));
    bytes
}

/// Writes the data of `bytes` to the file of a disk, as a client would.
fn write(world: &World, id: &str, bytes: &[u8]) {
    let file = world.staging().get(staged(world, id)).unwrap();
    for (at, page) in
        bytes.chunks(64 << 10).enumerate().filter(|(_, page)| page.iter().any(|byte| *byte != 0))
    {
        file.write(u64::try_from(at).unwrap() * (64 << 10), page).unwrap();
    }
    file.sync().unwrap();
}

fn grant(world: &World, id: &str, access: &str) -> JobState {
    let reply = world.act(id, "beginGetAccess", &json!({"access": access, "durationInSeconds": 3600}));
    assert_eq!(reply.status, 202, "{reply:?}");
    world.run_due();
    world.operation_of(&reply).state
}

fn revoke(world: &World, id: &str) -> JobState {
    let reply = world.act(id, "endGetAccess", &Value::Null);
    assert_eq!(reply.status, 202, "{reply:?}");
    world.run_due();
    world.operation_of(&reply).state
}

#[test]
fn an_empty_disk_is_zeros_of_its_size_and_takes_no_room() {
    let world = World::new();
    let body = json!({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}});
    let reply = world.put(&compute("disks/d"), &body);
    assert_eq!(reply.status, 202);
    assert!(!reply.headers.iter().any(|(name, _)| *name == "location"));
    assert!(world.operation_of(&reply).state == JobState::Waiting);
    world.run_due();
    let shown = world.get(&compute("disks/d"));
    assert_eq!(shown["properties"]["diskSizeBytes"], 1 << 30);
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    assert!(stored(&world) < 4096, "{}", stored(&world));
    // A size of its own is all that another one has.
    let large = json!({"location": "West Europe", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 32_767}});
    let before = stored(&world);
    made(&world, "disks/large", &large);
    assert_eq!(stored(&world), before);
    world.is_clean();
}

#[test]
fn disks_snapshots_and_their_copies_share_every_byte_with_their_image() {
    let world = World::new();
    let disk = Disk::new(1, 16);
    let image = world.publish("1.0.0", &disk, &["westeurope", "eastus"]);
    let before = stored(&world);
    let first = made(&world, "disks/first", &body("westeurope", of_image(&image)));
    let latest = made(&world, "disks/latest", &body("eastus", of_image(&definition(SUBSCRIPTION))));
    let snapshot = made(&world, "snapshots/s", &body("westeurope", copy_of(&first)));
    let second = made(&world, "disks/second", &body("westeurope", copy_of(&snapshot)));
    assert_eq!(stored(&world), before);
    world.delete(&image);
    world.delete(&first);
    world.delete(&snapshot);
    world.collect();
    assert_eq!(world.bytes_of(&second, "westeurope"), disk.bytes());
    assert_eq!(world.bytes_of(&latest, "eastus"), disk.bytes());
    world.is_clean();
    world.delete(&second);
    world.delete(&latest);
    world.collect();
    assert_eq!(stored(&world), 0);
    world.is_clean();
}

#[test]
fn where_a_disk_came_from_is_noted_and_not_shown() {
    let world = World::new();
    let image = world.publish("1.0.0", &Disk::new(1, 4), &["westeurope"]);
    let first = made(&world, "disks/first", &body("westeurope", of_image(&image)));
    let snapshot = made(&world, "snapshots/s", &body("westeurope", copy_of(&first)));
    let lineage = |id: &str| {
        let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
        row.document["internal"]["lineage"].clone()
    };
    assert_eq!(lineage(&first), json!({"kind": "version", "id": image}));
    let unique = world.get(&first)["properties"]["uniqueId"].clone();
    assert_eq!(lineage(&snapshot), json!({"kind": "disk", "id": first, "uniqueId": unique}));
    assert_eq!(world.get(&snapshot)["properties"]["creationData"]["sourceUniqueId"], unique);
    assert!(!world.get(&snapshot).to_string().contains("lineage"));
}

#[test]
fn a_snapshot_in_another_region_brings_its_bytes_there() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let image = world.publish("1.0.0", &disk, &["westeurope"]);
    let first = made(&world, "disks/first", &body("westeurope", of_image(&image)));
    let far = made(&world, "snapshots/far", &body("northeurope", copy_of(&first)));
    assert_eq!(world.bytes_of(&far, "northeurope"), disk.bytes());
    world.delete(&first);
    world.delete(&image);
    world.collect();
    assert_eq!(world.stored_bytes("westeurope"), 0);
    assert_eq!(world.bytes_of(&far, "northeurope"), disk.bytes());
    world.is_clean();
}

#[test]
fn a_disk_that_grows_is_the_same_bytes_and_zeros_behind_them() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let image = world.publish("1.0.0", &disk, &["westeurope"]);
    let first = made(&world, "disks/first", &body("westeurope", of_image(&image)));
    assert_eq!(world.get(&first)["properties"]["diskSizeBytes"], disk.bytes().len());
    let before = stored(&world);
    let grow = json!({"properties": {"diskSizeGB": 2}});
    let grown = world.ask(Method::Patch, &first, "api-version=2023-04-02", &grow);
    assert_eq!(grown.status, 200, "{grown:?}");
    let row = world.run(world.rows.row(&first.parse().unwrap())).unwrap().unwrap();
    let image = Image::of(&control::stored_of(&row).unwrap().document).unwrap();
    assert_eq!(image.size_bytes, 2 << 30);
    let open = world.store("westeurope").image(image.root, image.size_bytes).unwrap();
    let (mut front, mut back) = (vec![0xee; disk.bytes().len()], vec![0xee; 4096]);
    open.read(0, &mut front).unwrap();
    open.read((2 << 30) - 4096, &mut back).unwrap();
    assert!(front == disk.bytes() && back == [0; 4096]);
    assert_eq!(stored(&world), before);
    world.is_clean();
}

#[test]
fn a_disk_smaller_than_its_image_fails_in_words() {
    let world = World::new();
    let disk = Disk::new(1, 4);
    let id = world.begin_upload(SUBSCRIPTION, "1.0.0", 3 << 30);
    let (mut entries, chunks) = super::world::cut(&disk);
    entries.push(store::Entry::Hole { length: (3 << 30) - u64::try_from(disk.bytes().len()).unwrap() });
    world.send(&id, &chunks).unwrap();
    world.commit(&id, entries).unwrap();
    world.made(&version("1.0.0"), &super::world::version_body("1.0.0", &["westeurope"]));
    world.run_due();
    let mut small = body("westeurope", of_image(&version("1.0.0")));
    small["properties"]["diskSizeGB"] = json!(2);
    let reply = world.put(&compute("disks/d"), &small);
    world.run_due();
    let JobState::Failed(error) = world.operation_of(&reply).state else { panic!("it has not failed") };
    assert_eq!(error["target"], "properties.diskSizeGB");
    assert!(error["message"].as_str().unwrap().contains("disk size 2 GB is smaller"), "{error}");
    assert_eq!(world.state(&compute("disks/d")), "Failed");
    // Asked for anew it is made.
    small["properties"]["diskSizeGB"] = json!(3);
    assert_eq!(world.put(&compute("disks/d"), &small).status, 200);
    world.run_due();
    assert_eq!(world.state(&compute("disks/d")), "Succeeded");
    world.is_clean();
}

#[rstest]
#[case::not_there(&["eastus"], "GalleryImageNotFound")]
fn an_image_that_is_not_complete_there_is_named(#[case] regions: &[&str], #[case] code: &str) {
    let world = World::new();
    let regions = [&["westeurope"], regions].concat();
    world.publish("1.0.0", &Disk::new(1, 4), &regions);
    let reply = world.put(&compute("disks/d"), &body("northeurope", of_image(&definition(SUBSCRIPTION))));
    world.run_due();
    let JobState::Failed(error) = world.operation_of(&reply).state else { panic!("it has not failed") };
    assert_eq!(error["code"], code);
    world.is_clean();
}

#[test]
fn a_source_that_goes_before_the_job_ran_fails_the_copy() {
    let world = World::new();
    let first = made(
        &world,
        "disks/first",
        &json!({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}}),
    );
    let reply = world.put(&compute("disks/second"), &body("westeurope", copy_of(&first)));
    world.delete(&first);
    world.run_due();
    let JobState::Failed(error) = world.operation_of(&reply).state else { panic!("it has not failed") };
    assert!(error["message"].as_str().unwrap().contains("does not exist any more"), "{error}");
    world.collect();
    world.is_clean();
}

#[test]
fn a_blob_is_imported_and_its_signature_told_to_nobody() {
    let world = World::with(|settings| settings.source.allow = vec!["127.0.0.1".parse().unwrap()]);
    let disk = Disk::new(1, 8);
    let web = world.run(Web::serve(vhd(&disk), Manner::Honest));
    let id = made(
        &world,
        "disks/d",
        &body("westeurope", json!({"createOption": "Import", "sourceUri": web.url()})),
    );
    assert!(world.bytes_of(&id, "westeurope").starts_with(disk.bytes()));
    let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    assert!(web.url().contains("canary") && !row.document.to_string().contains("canary"), "{row:?}");
    world.is_clean();
}

#[test]
fn what_a_client_writes_becomes_the_disk_when_its_access_ends() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = made(&world, "disks/d", &upload_of(UPLOAD_BYTES));
    let JobState::Succeeded(output) = grant(&world, &id, "Write") else { panic!("no access") };
    assert!(output["accessSAS"]["secret"]["sealed"].is_string(), "{output}");
    assert_eq!(world.get(&id)["properties"]["diskState"], "ActiveUpload");
    write(&world, &id, &vhd(&disk));
    assert_eq!(revoke(&world, &id), JobState::Succeeded(Value::Null));
    let shown = world.get(&id);
    assert_eq!(shown["properties"]["diskState"], "Unattached");
    assert_eq!(shown["properties"]["diskSizeBytes"], UPLOAD_BYTES);
    let bytes = world.bytes_of(&id, "westeurope");
    assert!(bytes.len() == UPLOAD_BYTES && bytes.starts_with(disk.bytes()));
    assert!(world.staging().names().unwrap().is_empty());
    // The digest is that of the disk, whatever way it came.
    let before = stored(&world);
    world.upload(SUBSCRIPTION, "again", &disk);
    assert_eq!(stored(&world), before);
    let snapshot = made(&world, "snapshots/s", &body("westeurope", copy_of(&id)));
    assert_eq!(world.bytes_of(&snapshot, "westeurope"), bytes);
    world.delete(&upload(SUBSCRIPTION, "again"));
    world.is_clean();
}

#[rstest]
#[case::no_footer(|bytes: &mut Vec<u8>| bytes[UPLOAD_BYTES..].fill(0), "ImageFormatMismatch")]
#[case::broken_footer(|bytes: &mut Vec<u8>| bytes[UPLOAD_BYTES + 70] ^= 1, "ImageCorrupt")]
fn what_is_no_vhd_leaves_the_disk_to_be_written_again(#[case] spoil: fn(&mut Vec<u8>), #[case] reason: &str) {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = made(&world, "disks/d", &upload_of(UPLOAD_BYTES));
    grant(&world, &id, "Write");
    let mut bytes = vhd(&disk);
    spoil(&mut bytes);
    write(&world, &id, &bytes);
    let JobState::Failed(error) = revoke(&world, &id) else { panic!("it has not failed") };
    assert_eq!(
        (error["code"].as_str(), error["details"][0]["code"].as_str()),
        (Some("InvalidVhd"), Some(reason))
    );
    assert_eq!(world.get(&id)["properties"]["diskState"], "ReadyToUpload");
    world.collect();
    world.sweep();
    assert_eq!(stored(&world), 0);
    assert!(matches!(grant(&world, &id, "Write"), JobState::Succeeded(_)));
    let footer = &vhd(&disk)[UPLOAD_BYTES..];
    world
        .staging()
        .get(staged(&world, &id))
        .unwrap()
        .write(UPLOAD_BYTES.try_into().unwrap(), footer)
        .unwrap();
    assert_eq!(revoke(&world, &id), JobState::Succeeded(Value::Null));
    assert!(world.bytes_of(&id, "westeurope").starts_with(disk.bytes()));
    world.is_clean();
}

#[test]
fn a_dynamic_vhd_is_not_what_was_announced() {
    let world = World::new();
    let id = made(&world, "disks/d", &upload_of(UPLOAD_BYTES));
    grant(&world, &id, "Write");
    let mut file = tempfile::tempfile().unwrap();
    disks::write(disks::OutputFormat::VhdDynamic, &Disk::new(1, 16), [1; 16], &mut file).unwrap();
    file.set_length((UPLOAD_BYTES + 512).try_into().unwrap()).unwrap();
    let mut bytes = vec![0; UPLOAD_BYTES + 512];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0).unwrap();
    let footer = bytes[..512].to_vec();
    bytes[UPLOAD_BYTES..].copy_from_slice(&footer);
    write(&world, &id, &bytes);
    let JobState::Failed(error) = revoke(&world, &id) else { panic!("it has not failed") };
    assert_eq!(error["code"], "InvalidVhd");
    assert_eq!(world.get(&id)["properties"]["diskState"], "ReadyToUpload");
}

/// The parts of an address, decoded, as the data plane takes them apart.
fn parts_of(world: &World, output: &Value) -> (String, String, [String; 3]) {
    let address = world.life().engine.reveal(&output["accessSAS"]["secret"]).unwrap();
    let url = url::Url::parse(&address).unwrap();
    let path = url.path().strip_prefix("/gallerist/sas").unwrap();
    let (id, file) = path.rsplit_once('/').unwrap();
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!((query["sv"].as_str(), query["sr"].as_str()), ("2018-03-28", "b"));
    let of = |name: &str| query[name].clone();
    (id.to_owned(), file.strip_suffix(".vhd").unwrap().to_owned(), [of("sp"), of("se"), of("sig")])
}

fn find(
    world: &World,
    id: &str,
    grant: &str,
    [permission, expires, signature]: &[String; 3],
) -> Result<Granted, String> {
    let grants = Grants::new(world.life().engine.clone(), world.clock.clone());
    let id = id.parse().unwrap();
    world.run(grants.find(&id, grant, permission, expires, signature)).map_err(|error| match error {
        Error::Refused(rejection) => format!("{} {}", rejection.status, rejection.detail.code),
        other => panic!("{other}"),
    })
}

#[test]
fn an_address_is_good_for_its_disk_until_it_is_over_or_revoked() {
    let world = World::new();
    let image = world.publish("1.0.0", &Disk::new(1, 4), &["westeurope"]);
    let first = made(&world, "disks/first", &body("westeurope", of_image(&image)));
    let second = made(&world, "disks/second", &body("westeurope", of_image(&image)));
    let JobState::Succeeded(output) = grant(&world, &first, "Read") else { panic!("no access") };
    let (id, name, query) = parts_of(&world, &output);
    let Ok(Granted { content: Content::Stored { region, image, tail }, may_write: false }) =
        find(&world, &id, &name, &query)
    else {
        panic!("it is to be read")
    };
    assert_eq!((region.as_str(), image.size_bytes, tail.len()), ("westeurope", 4 << 16, 512));
    assert_eq!(find(&world, &id.to_uppercase(), &name, &query), find(&world, &id, &name, &query));
    let refused = Err("403 AuthenticationFailed".to_owned());
    let with = |at: usize, text: &str| {
        let mut query = query.clone();
        query[at] = text.to_owned();
        find(&world, &id, &name, &query)
    };
    assert_eq!(with(0, "rw"), refused);
    assert_eq!(with(1, "2099-01-01T00:00:00Z"), refused);
    assert_eq!(with(1, ""), refused);
    assert_eq!(with(2, "AAAA"), refused);
    assert_eq!(find(&world, &second, &name, &query), refused);
    assert_eq!(find(&world, &id, "other", &query), refused);
    // The address of a longer access does not end the first one's, and revoking ends both.
    let reply = world.act(&first, "beginGetAccess", &json!({"access": "Read", "durationInSeconds": 7200}));
    world.run_due();
    let JobState::Succeeded(longer) = world.operation_of(&reply).state else { panic!("no access") };
    let (_, longer_name, longer) = parts_of(&world, &longer);
    assert_eq!(name, longer_name);
    world.clock.advance(3600);
    assert_eq!(find(&world, &id, &name, &query), refused);
    assert!(find(&world, &id, &name, &longer).is_ok());
    assert_eq!(revoke(&world, &first), JobState::Succeeded(Value::Null));
    assert_eq!(find(&world, &id, &name, &longer), refused);
}

#[test]
fn an_address_to_write_is_worth_nothing_once_the_access_has_ended() {
    let world = World::new();
    let id = made(&world, "disks/d", &upload_of(UPLOAD_BYTES));
    let JobState::Succeeded(output) = grant(&world, &id, "Write") else { panic!("no access") };
    let (_, name, query) = parts_of(&world, &output);
    assert_eq!(query[0], "rw");
    assert_eq!(
        find(&world, &id, &name, &query),
        Ok(Granted { content: Content::Staged(staged(&world, &id)), may_write: true })
    );
    // At once: not only when what was written has been taken in.
    world.act(&id, "endGetAccess", &Value::Null);
    assert_eq!(find(&world, &id, &name, &query), Err("403 AuthenticationFailed".to_owned()));
}

#[test]
fn the_footer_of_a_disk_is_the_same_at_every_reading() {
    let world = World::new();
    let disk = Disk::new(1, 4);
    let image = world.publish("1.0.0", &disk, &["westeurope"]);
    let id = made(&world, "disks/d", &body("westeurope", of_image(&image)));
    let JobState::Succeeded(output) = grant(&world, &id, "Read") else { panic!("no access") };
    let (_, name, query) = parts_of(&world, &output);
    let granted = find(&world, &id, &name, &query).unwrap();
    let open = granted.content.open(&world.staging(), &world.life().regions).unwrap();
    let mut file = vec![0; usize::try_from(open.size_bytes().unwrap()).unwrap()];
    open.read_at(0, &mut file).unwrap();
    assert!(file.starts_with(disk.bytes()));
    let open = disks::open(disks::InputFormat::Vhd, Box::new(file), &disks::Limits::default()).unwrap();
    assert_eq!(open.blocks.size_bytes(), 4 << 16);
    assert_eq!(find(&world, &id, &name, &query), Ok(granted));
}

#[test]
fn an_access_in_which_nothing_was_written_changes_nothing() {
    let world = World::new();
    let id = made(&world, "disks/d", &upload_of(UPLOAD_BYTES));
    grant(&world, &id, "Write");
    assert_eq!(revoke(&world, &id), JobState::Succeeded(Value::Null));
    assert_eq!(world.get(&id)["properties"]["diskState"], "ReadyToUpload");
    assert_eq!(world.staging().names().unwrap().len(), 1);
}

#[test]
fn what_is_over_is_swept() {
    let world = World::new();
    let empty = json!({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}});
    let read = made(&world, "disks/read", &empty);
    let written = made(&world, "disks/written", &upload_of(UPLOAD_BYTES));
    let gone = made(&world, "disks/gone", &upload_of(UPLOAD_BYTES));
    grant(&world, &read, "Read");
    grant(&world, &written, "Write");
    world.delete(&gone);
    let orphan = world.ids.clone();
    world.staging().create(control::Ids::uuid(orphan.as_ref()), 512).unwrap();
    assert_eq!(world.staging().names().unwrap().len(), 3);
    world.sweep();
    assert_eq!(world.staging().names().unwrap(), [staged(&world, &written)].into());
    assert_eq!(world.get(&read)["properties"]["diskState"], "ActiveSAS");
    let refused = world.ask(Method::Delete, &read, "api-version=2024-03-02", &Value::Null);
    assert_eq!(
        (refused.status, refused.body.unwrap()["error"]["code"].as_str()),
        (409, Some("OperationNotAllowed"))
    );
    world.clock.advance(3600);
    world.sweep();
    assert_eq!(world.get(&read)["properties"]["diskState"], "Unattached");
    assert_eq!(world.get(&written)["properties"]["diskState"], "ReadyToUpload");
    assert_eq!(world.staging().names().unwrap().len(), 1);
    // A group takes its disks with it.
    world.ask(Method::Delete, &group(SUBSCRIPTION), "api-version=2024-11-01", &Value::Null);
    world.sweep();
    assert!(world.staging().names().unwrap().is_empty());
}

/// A copy to another region: the longest way.
fn create() -> Plan<Disk> {
    Plan {
        about_to: || {
            let world = World::new();
            let disk = Disk::new(1, 8);
            world.publish("1.0.0", &disk, &["westeurope"]);
            let first = made(&world, "disks/first", &body("westeurope", of_image(&version("1.0.0"))));
            world.made(&compute("snapshots/s"), &body("eastus", copy_of(&first)));
            (world, disk)
        },
        is_done: |world, disk| {
            assert_eq!(world.state(&compute("snapshots/s")), "Succeeded");
            assert!(world.bytes_of(&compute("snapshots/s"), "eastus") == disk.bytes());
        },
    }
}

fn empty() -> Plan<()> {
    Plan {
        about_to: || {
            let world = World::new();
            world.made(&compute("disks/d"), &json!({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}}));
            (world, ())
        },
        is_done: |world, ()| assert_eq!(world.state(&compute("disks/d")), "Succeeded"),
    }
}

fn begin_upload() -> Plan<()> {
    Plan {
        about_to: || {
            let world = World::new();
            world.made(&compute("disks/d"), &upload_of(UPLOAD_BYTES));
            (world, ())
        },
        is_done: |world, ()| {
            let id = compute("disks/d");
            assert_eq!(world.state(&id), "Succeeded");
            let file = world.staging().get(staged(world, &id)).unwrap();
            assert_eq!(file.size_bytes().unwrap(), u64::try_from(UPLOAD_BYTES + 512).unwrap());
        },
    }
}

fn settle() -> Plan<Disk> {
    Plan {
        about_to: || {
            let world = World::new();
            let disk = Disk::new(1, 8);
            let id = made(&world, "disks/d", &upload_of(UPLOAD_BYTES));
            grant(&world, &id, "Write");
            write(&world, &id, &vhd(&disk));
            assert_eq!(world.act(&id, "endGetAccess", &Value::Null).status, 202);
            (world, disk)
        },
        is_done: |world, disk| {
            let id = compute("disks/d");
            assert_eq!(world.get(&id)["properties"]["diskState"], "Unattached");
            assert_eq!(world.state(&id), "Succeeded");
            assert!(world.bytes_of(&id, "westeurope").starts_with(disk.bytes()));
        },
    }
}

fn give_access() -> Plan<()> {
    Plan {
        about_to: || {
            let world = World::new();
            let empty = json!({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}});
            let id = made(&world, "disks/d", &empty);
            let body = json!({"access": "Read", "durationInSeconds": 100_000});
            assert_eq!(world.act(&id, "beginGetAccess", &body).status, 202);
            (world, ())
        },
        is_done: |world, ()| {
            assert_eq!(world.state(&compute("disks/d")), "Succeeded");
            assert_eq!(world.get(&compute("disks/d"))["properties"]["diskState"], "ActiveSAS");
        },
    }
}

#[test]
fn the_jobs_of_disks_resume_wherever_the_process_died() {
    create().resumes_wherever_the_process_died();
    empty().resumes_wherever_the_process_died();
    begin_upload().resumes_wherever_the_process_died();
    give_access().resumes_wherever_the_process_died();
}

#[test]
fn the_jobs_of_disks_are_tried_again_when_the_rows_fail() {
    create().is_tried_again_when_the_rows_fail();
    empty().is_tried_again_when_the_rows_fail();
    begin_upload().is_tried_again_when_the_rows_fail();
    give_access().is_tried_again_when_the_rows_fail();
}

#[test]
fn the_jobs_of_disks_are_tried_again_when_a_folder_fails() {
    create().is_tried_again_when_a_disk_fails();
    empty().is_tried_again_when_a_disk_fails();
}

#[test]
fn the_taking_in_of_an_upload_survives_all_that() {
    settle().resumes_wherever_the_process_died();
    settle().is_tried_again_when_the_rows_fail();
    settle().is_tried_again_when_a_disk_fails();
}
