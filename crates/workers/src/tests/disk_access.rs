//! Access to disks from outside: uploads that become disks, and addresses that are good for so long and no longer.

use control::Method;
use disks::WriteAt;
use metadata::{JobState, Store};
use rstest::rstest;
use serde_json::{Value, json};

use super::crash::Plan;
use super::disk::Disk;
use super::disks::{UPLOAD_BYTES, body, copy_of, made, of_image, stored, vhd};
use super::world::{SUBSCRIPTION, World, compute, group, upload};
use crate::{Content, Error, Granted, Grants};

fn upload_of(bytes: usize) -> Value {
    body("westeurope", json!({"createOption": "Upload", "uploadSizeBytes": bytes + 512}))
}

/// The name of the file that a client writes to.
fn staged(world: &World, id: &str) -> uuid::Uuid {
    let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    row.document["internal"]["staged"].as_str().unwrap().parse().unwrap()
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
fn the_taking_in_of_an_upload_survives_all_that() {
    settle().resumes_wherever_the_process_died();
    settle().is_tried_again_when_the_rows_fail();
    settle().is_tried_again_when_a_disk_fails();
}

#[test]
fn the_jobs_of_access_survive_all_that() {
    begin_upload().resumes_wherever_the_process_died();
    begin_upload().is_tried_again_when_the_rows_fail();
    give_access().resumes_wherever_the_process_died();
    give_access().is_tried_again_when_the_rows_fail();
}

#[test]
fn what_was_written_in_time_counts_although_the_access_is_over() {
    let world = World::new();
    let disk = Disk::new(1, 8);
    let id = made(&world, "disks/d", &upload_of(UPLOAD_BYTES));
    grant(&world, &id, "Write");
    write(&world, &id, &vhd(&disk));
    world.clock.advance(3600);
    world.sweep();
    assert_eq!(world.get(&id)["properties"]["diskState"], "ReadyToUpload");
    assert_eq!(revoke(&world, &id), JobState::Succeeded(Value::Null));
    assert_eq!(world.get(&id)["properties"]["diskState"], "Unattached");
    assert!(world.bytes_of(&id, "westeurope").starts_with(disk.bytes()));
    world.is_clean();
}
