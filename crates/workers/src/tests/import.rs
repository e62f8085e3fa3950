//! Versions from a blob's address: what is read is proven, and the signature in the address is told to nobody.

use std::time::Duration;

use control::Method;
use disks::OutputFormat;
use metadata::{JobState, Store};
use rstest::rstest;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::disk::Disk;
use super::web::{Manner, Web};
use super::world::{REGIONS, SUBSCRIPTION, World, body_from, version};

/// The disk as a fixed VHD.
fn vhd(disk: &Disk) -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    disks::write(OutputFormat::Vhd, disk, [7; 16], &mut file).unwrap();
    let mut bytes = Vec::new();
    std::io::Seek::rewind(&mut file).unwrap();
    std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    bytes
}

/// A world that may read from this machine.
fn world() -> World {
    World::with(|settings| {
        settings.source.allow = vec!["127.0.0.1".parse().unwrap()];
        settings.attempts = 1;
    })
}

/// Asks for a version of what is at `url` and runs its job; answers how that ended.
fn import(world: &World, url: &str) -> JobState {
    let id = version("1.0.0");
    world.made(&id, &body_from(&json!({"osDiskImage": {"source": {"uri": url}}}), &REGIONS));
    let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    keeps_the_secret(world, &row.document);
    let job = row.operation.unwrap();
    let input = world.run(world.rows.job(job)).unwrap().unwrap().input;
    assert!(!input.to_string().contains("canary"), "{input}");
    world.run_due();
    world.run(world.rows.job(job)).unwrap().unwrap().state
}

/// Neither what is shown nor what is stored has the signature.
fn keeps_the_secret(world: &World, document: &Value) {
    assert!(!document.to_string().contains("canary"), "{document}");
    let shown = world.get(&version("1.0.0"));
    assert!(!shown.to_string().contains("canary"), "{shown}");
    let uri = shown["properties"]["storageProfile"]["osDiskImage"]["source"]["uri"].as_str().unwrap();
    assert!(uri.ends_with("/vhds/os.vhd"), "{uri}");
}

fn failed(state: JobState) -> Value {
    match state {
        JobState::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(Manner::Honest)]
#[case(Manner::NoETag)]
fn a_blob_becomes_the_same_image_as_an_upload_of_its_disk(#[case] manner: Manner) {
    let world = world();
    let disk = Disk::new(1, 300);
    let web = world.run(Web::serve(vhd(&disk), manner));
    assert_eq!(import(&world, &web.url()), JobState::Succeeded(Value::Null));
    let id = version("1.0.0");
    world.stands(&id, &disk, &REGIONS);
    let row = world.run(world.rows.row(&id.parse().unwrap())).unwrap().unwrap();
    keeps_the_secret(&world, &row.document);
    assert_eq!(row.document["internal"].get("source"), None, "the address is not needed any more");
    assert!(web.requests() > 3, "it is read in parts");
    let uploaded = world.upload(SUBSCRIPTION, "same", &disk);
    assert_eq!(row.document["internal"]["root"], uploaded.to_string());
    world.collect();
    world.is_clean();
}

#[rstest]
#[case(Manner::Redirects, "InvalidParameter", "redirects")]
#[case(Manner::IgnoresRanges, "InvalidParameter", "range requests")]
#[case(Manner::WrongRange, "InvalidParameter", "another range")]
#[case(Manner::Grows, "Conflict", "changed while it was read")]
#[case(Manner::Changes, "Conflict", "changed while it was read")]
#[case(Manner::ChangesAndAdmits, "Conflict", "changed while it was read")]
#[case(Manner::Modified, "Conflict", "changed while it was read")]
#[case(Manner::NoState, "InvalidParameter", "no way to tell whether the blob changes")]
#[case(Manner::Hangs, "InvalidParameter", "too slowly")]
#[case(Manner::CutsShort, "InvalidParameter", "connection broke")]
#[case(Manner::Compresses, "InvalidParameter", "compresses")]
#[case(Manner::Denies, "InvalidParameter", "denied")]
#[case(Manner::Missing, "InvalidParameter", "nothing at this address")]
fn a_server_that_cannot_be_relied_on_is_refused(
    #[case] manner: Manner,
    #[case] code: &str,
    #[case] words: &str,
) {
    let world = World::with(|settings| {
        settings.source.allow = vec!["127.0.0.1".parse().unwrap()];
        settings.source.pace_window = Duration::from_millis(100);
    });
    let web = world.run(Web::serve(vhd(&Disk::new(1, 300)), manner));
    let error = failed(import(&world, &web.url()));
    assert_eq!(error["code"], code, "{error}");
    assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    leaves_nothing(&world);
}

/// A failed import has no bytes; the signature stays sealed, for a retry.
fn leaves_nothing(world: &World) {
    assert_eq!(world.state(&version("1.0.0")), "Failed");
    let row = world.run(world.rows.row(&version("1.0.0").parse().unwrap())).unwrap().unwrap();
    keeps_the_secret(world, &row.document);
    world.collect();
    assert_eq!(REGIONS.map(|name| world.stored_bytes(name)), [0; 3]);
    world.is_clean();
}

#[test]
fn loopback_is_refused_unless_it_is_allowed() {
    let world = World::new();
    let web = world.run(Web::serve(vhd(&Disk::new(1, 16)), Manner::Honest));
    let error = failed(import(&world, &web.url()));
    assert_eq!(error["code"], "InvalidParameter");
    assert!(error["message"].as_str().unwrap().contains("not allowed"), "{error}");
    assert_eq!(web.requests(), 0);
    leaves_nothing(&world);
}

/// The same VHD with another disk type in its footer (and a checksum that fits).
fn of_type(mut vhd: Vec<u8>, kind: u8) -> Vec<u8> {
    let at = vhd.len() - 512;
    let footer = &mut vhd[at..];
    footer[63] = kind;
    footer[64..68].fill(0);
    let sum: u32 = footer.iter().map(|byte| u32::from(*byte)).sum();
    footer[64..68].copy_from_slice(&(!sum).to_be_bytes());
    vhd
}

#[rstest]
#[case::noise(Disk::new(3, 4).bytes().to_vec(), None)]
#[case::differencing(of_type(vhd(&Disk::new(1, 16)), 4), Some("ImageHasExternalReference"))]
#[case::cut(vhd(&Disk::new(1, 16))[..512 * 100].to_vec(), None)]
fn what_is_no_vhd_is_refused_with_the_reason(#[case] blob: Vec<u8>, #[case] reason: Option<&str>) {
    let world = world();
    let web = world.run(Web::serve(blob, Manner::Honest));
    let error = failed(import(&world, &web.url()));
    assert_eq!(error["code"], "InvalidVhd", "{error}");
    let found = error["details"][0]["code"].as_str().unwrap();
    assert!(found.starts_with("Image"), "{error}");
    assert!(reason.is_none_or(|reason| reason == found), "{error}");
    leaves_nothing(&world);
}

#[test]
fn a_failed_import_succeeds_when_it_is_put_again_with_the_address_that_is_shown() {
    let world = world();
    let disk = Disk::new(1, 16);
    let web = world.run(Web::serve(vhd(&disk), Manner::Honest));
    world.faults.break_region("westeurope");
    failed(import(&world, &web.url()));
    world.faults.mend_region("westeurope");
    let shown = world.get(&version("1.0.0"))["properties"]["storageProfile"].clone();
    world.made(&version("1.0.0"), &body_from(&shown, &REGIONS));
    world.run_due();
    world.stands(&version("1.0.0"), &disk, &REGIONS);
    world.is_clean();
}

#[test]
fn an_import_that_was_cut_by_a_restart_begins_again() {
    let mut world = world();
    let disk = Disk::new(1, 16);
    let web = world.run(Web::serve(vhd(&disk), Manner::Honest));
    let id = version("1.0.0");
    world.made(&id, &body_from(&json!({"osDiskImage": {"source": {"uri": web.url()}}}), &REGIONS));
    world.restart();
    world.run_due();
    world.stands(&id, &disk, &REGIONS);
    let answer = world.ask(Method::Delete, &id, "api-version=2024-03-03", &Value::Null);
    assert_eq!(answer.status, 202);
    world.collect();
    world.is_clean();
}

/// Asks for a version of what is at `url` and leases its job for a worker of that name.
fn leased(world: &World, name: &str, url: &str) -> metadata::Job {
    world.made(&version(name), &body_from(&json!({"osDiskImage": {"source": {"uri": url}}}), &REGIONS));
    let now = control::Clock::now(world.clock.as_ref());
    let until = now + jiff::SignedDuration::from_secs(30);
    world.run(world.rows.lease(name, now, until)).unwrap().unwrap()
}

#[test]
fn a_source_that_hangs_holds_up_neither_the_end_of_the_process_nor_other_jobs() {
    let world = World::with(|settings| {
        settings.source.allow = vec!["127.0.0.1".parse().unwrap()];
        settings.jobs_at_once = 2;
    });
    let disk = Disk::new(1, 300);
    let web = world.run(Web::serve(vhd(&disk), Manner::Hangs));
    let (first, second) = (leased(&world, "1.0.0", &web.url()), leased(&world, "1.0.1", &web.url()));
    let (workers, stop) = (&world.life().workers, CancellationToken::new());
    let others = async {
        while web.requests() < 2 {
            tokio::task::yield_now().await;
        }
        // One fetches; the next one waits outside its slot, and what needs no fetching goes on.
        workers.run_leased(second.clone(), "1.0.1", &CancellationToken::new()).await;
        let waiting = world.rows.job(second.id).await.unwrap().unwrap();
        assert_eq!((waiting.state, waiting.attempt), (JobState::Waiting, 0));
        stop.cancel();
    };
    world.run(async { tokio::join!(workers.run_leased(first.clone(), "1.0.0", &stop), others) });
    let handed_back = world.run(world.rows.job(first.id)).unwrap().unwrap();
    assert_eq!((handed_back.state, handed_back.attempt), (JobState::Waiting, 0));
    assert_eq!(web.requests(), 2);
}
