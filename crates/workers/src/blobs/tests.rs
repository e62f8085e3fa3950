//! Blobs below the wire: what is written is read, settled and written again; what is gone leaves nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arm::ResourceId;
use bytes::Bytes;
use metadata::{Job, JobId, JobState};
use providers::storage::{blob, container};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Blobs, Conditions, ListedBlock, NewBlob, Wanted, image_of_blob};
use crate::job::Running;
use crate::tests::world::{SUBSCRIPTION, World, group};
use crate::{Error, Settings};

const MIB: u64 = 1 << 20;

struct Scene {
    world: World,
    blobs: Arc<Blobs>,
    container: ResourceId,
}

fn account() -> String {
    format!("{}/providers/Microsoft.Storage/storageAccounts/acct", group(SUBSCRIPTION))
}

fn scene() -> Scene {
    let world = World::new();
    world.made(&account(), &json!({"location": "westeurope"}));
    world.made(&format!("{}/blobServices/default/containers/vhds", account()), &json!({}));
    let blobs = Arc::new(blobs_of(&world));
    let container = container::id_of(&account().parse().unwrap(), "vhds").unwrap();
    Scene { world, blobs, container }
}

fn blobs_of(world: &World) -> Blobs {
    let life = world.life();
    let (clock, ids) = (world.clock.clone(), world.ids.clone());
    Blobs::new(life.engine.clone(), life.regions.clone(), world.staging(), clock, ids)
}

fn none() -> Conditions {
    Conditions::default()
}

fn code<T: std::fmt::Debug>(ended: Result<T, Error>) -> String {
    match ended.unwrap_err() {
        Error::Refused(refusal) => refusal.detail.code,
        error => panic!("{error:?}"),
    }
}

impl Scene {
    fn make(&self, name: &str, size: u64) {
        self.world
            .run(self.blobs.create_page(&self.container, name, size, NewBlob::default(), &none()))
            .unwrap();
    }

    fn write(&self, name: &str, offset: u64, byte: u8, conditions: &Conditions) -> Result<String, Error> {
        let bytes = Some(Bytes::from(vec![byte; 4096]));
        let range = offset..offset + 4096;
        let written = self.blobs.write_pages(&self.container, name, range, bytes, conditions);
        self.world.run(written).map(|touched| touched.etag)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let (blob, open) = self.world.run(self.blobs.read(&self.container, name, &none())).unwrap();
        let mut bytes = vec![0xee; usize::try_from(blob.size_bytes).unwrap()];
        open.read_at(0, &mut bytes).unwrap();
        bytes
    }

    fn running(&self) -> Running {
        let life = self.world.life();
        let job = Job {
            id: JobId(Uuid::from_u128(77)),
            kind: "test".to_owned(),
            target: account().parse().unwrap(),
            input: Value::Null,
            outputs: Map::new(),
            attempt: 1,
            state: JobState::Running,
            correlation_id: String::new(),
            created_at: self.blobs.now(),
            ended_at: None,
        };
        Running {
            job,
            engine: life.engine.clone(),
            regions: life.regions.clone(),
            staging: self.world.staging(),
            clock: self.world.clock.clone(),
            ids: self.world.ids.clone(),
            settings: Arc::new(Settings::default()),
            worker: "test".to_owned(),
            fetches: Arc::new(Semaphore::new(1)),
            stopped: CancellationToken::new(),
            threads: TaskTracker::new(),
            releases_bytes: Arc::new(AtomicBool::new(false)),
        }
    }

    fn settle(&self, name: &str) -> super::BlobImage {
        let id = blob::id_of(&self.container, name).unwrap();
        self.world.run(image_of_blob(&self.running(), &id)).unwrap()
    }

    fn staged_files(&self) -> usize {
        self.world.staging().names().unwrap().len()
    }
}

#[test]
fn pages_are_written_side_by_side_and_read_back() {
    let scene = scene();
    scene.make("os.vhd", MIB);
    let writes = (0..64_u8).map(|page| {
        let bytes = Some(Bytes::from(vec![page + 1; 4096]));
        let offset = u64::from(page) * 4096;
        let (blobs, container) = (scene.blobs.clone(), scene.container.clone());
        async move {
            let range = offset..offset + 4096;
            blobs.write_pages(&container, "os.vhd", range, bytes, &Conditions::default()).await.unwrap()
        }
    });
    scene.world.run(futures_util::future::join_all(writes));
    let bytes = scene.read("os.vhd");
    for page in 0..64 {
        assert!(bytes[page * 4096..(page + 1) * 4096].iter().all(|byte| usize::from(*byte) == page + 1));
    }
    assert!(bytes[64 * 4096..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_condition_lets_one_of_two_writers_through() {
    let scene = scene();
    scene.make("b", MIB);
    let first = scene.write("b", 0, 1, &none()).unwrap();
    let if_first = Conditions { if_match: Some(format!("\"{first}\"")), ..none() };
    let second = scene.write("b", 0, 2, &if_first).unwrap();
    assert_ne!(first, second);
    assert_eq!(code(scene.write("b", 0, 3, &if_first)), "ConditionNotMet");
    assert_eq!(scene.read("b")[0], 2);
    let sequence = Conditions { sequence_equals: Some(1), ..none() };
    assert_eq!(code(scene.write("b", 0, 3, &sequence)), "SequenceNumberConditionNotMet");
    for (offset, wanted) in [(MIB, "InvalidPageRange"), (100, "InvalidPageRange")] {
        assert_eq!(code(scene.write("b", offset, 3, &none())), wanted);
    }
    assert_eq!(code(scene.write("absent", 0, 3, &none())), "BlobNotFound");
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash() {
    let mut scene = scene();
    scene.make("b", MIB);
    scene.write("b", 4096, 7, &none()).unwrap();
    drop(scene.blobs);
    scene.world.restart();
    scene.blobs = Arc::new(blobs_of(&scene.world));
    scene.world.sweep();
    assert_eq!(scene.read("b")[4096..8192], [7; 4096]);
    assert_eq!(scene.staged_files(), 1);
}

#[test]
fn a_settled_blob_is_an_image_without_its_footer_and_is_written_again() {
    let scene = scene();
    scene.make("os.vhd", MIB + 512);
    scene.write("os.vhd", 8192, 9, &none()).unwrap();
    let footer = disks::fixed_vhd_footer(MIB, [5; 16]);
    let range = MIB..MIB + 512;
    let bytes = Some(Bytes::from(footer.to_vec()));
    scene.world.run(scene.blobs.write_pages(&scene.container, "os.vhd", range, bytes, &none())).unwrap();
    let before = scene.read("os.vhd");
    let settled = scene.settle("os.vhd");
    assert_eq!((settled.image.size_bytes, settled.tail.as_slice()), (MIB, &footer[..]));
    assert_eq!(scene.staged_files(), 0);
    assert!(scene.read("os.vhd") == before);
    assert_eq!(scene.settle("os.vhd").image, settled.image);
    drop(settled);
    scene.world.collect();
    scene.world.sweep();
    assert!(scene.read("os.vhd") == before);

    scene.write("os.vhd", 0, 3, &none()).unwrap();
    let after = scene.read("os.vhd");
    assert!(after[4096..] == before[4096..] && after[..4096] == [3; 4096]);
    assert_eq!(scene.staged_files(), 1);
    scene.world.collect();
    assert_eq!(scene.world.store("westeurope").usage().pack_count, 0, "nothing refers to the old image");
}

#[test]
fn blocks_become_a_blob_when_they_are_listed() {
    let scene = scene();
    let put = |id: &str, byte: u8, length: usize| {
        let bytes = Bytes::from(vec![byte; length]);
        scene.world.run(scene.blobs.put_block(&scene.container, "b", id, bytes)).unwrap();
    };
    let commit = |list: Vec<ListedBlock>| {
        let new = NewBlob::default();
        scene.world.run(scene.blobs.put_block_list(&scene.container, "b", list, new, &none()))
    };
    let latest = |id: &str| ListedBlock::Latest(id.to_owned());
    put("Yg==", 2, 5000);
    put("YQ==", 1, 3);
    let listed = |uncommitted| {
        let wanted = Wanted { limit: 10, uncommitted, ..Wanted::default() };
        scene.world.run(scene.blobs.list(&scene.container, &wanted)).unwrap().items.len()
    };
    assert_eq!((listed(false), listed(true)), (0, 1));
    commit(vec![latest("YQ=="), latest("Yg==")]).unwrap();
    assert_eq!(scene.read("b"), [vec![1; 3], vec![2; 5000]].concat());
    assert_eq!(scene.staged_files(), 1, "the file of blocks is gone");
    put("YQ==", 9, 1);
    assert_eq!(code(commit(vec![latest("Yw==")])), "InvalidBlockList");
    assert_eq!(code(commit(vec![ListedBlock::Uncommitted("Yg==".to_owned())])), "InvalidBlockList");
    commit(vec![
        ListedBlock::Committed("Yg==".to_owned()),
        latest("YQ=="),
        ListedBlock::Committed("YQ==".to_owned()),
    ])
    .unwrap();
    assert_eq!(scene.read("b"), [vec![2; 5000], vec![9], vec![1; 3]].concat());
}

#[test]
fn a_listing_folds_goes_on_and_ends() {
    let scene = scene();
    for name in ["a", "dir/1", "dir/2", "dir/sub/3", "z", "Z"] {
        scene.make(name, 512);
    }
    let list = |prefix: &str, delimiter: Option<&str>, from: Option<String>, limit| {
        let wanted = Wanted {
            prefix: prefix.to_owned(),
            delimiter: delimiter.map(str::to_owned),
            from,
            limit,
            uncommitted: false,
        };
        let page = scene.world.run(scene.blobs.list(&scene.container, &wanted)).unwrap();
        let names: Vec<String> = page
            .items
            .iter()
            .map(|item| match item {
                super::Listed::Blob(blob) => blob.name.clone(),
                super::Listed::Prefix(prefix) => format!("[{prefix}]"),
            })
            .collect();
        (names, page.next)
    };
    assert_eq!(list("", Some("/"), None, 9).0, ["Z", "a", "[dir/]", "z"]);
    assert_eq!(list("dir/", Some("/"), None, 9).0, ["dir/1", "dir/2", "[dir/sub/]"]);
    let (mut names, mut from) = (Vec::new(), None);
    loop {
        let (page, next) = list("", None, from, 2);
        assert!(page.len() <= 2);
        names.extend(page);
        from = next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(names, ["Z", "a", "dir/1", "dir/2", "dir/sub/3", "z"]);
}

#[test]
fn what_goes_leaves_nothing() {
    let scene = scene();
    scene.make("a", MIB);
    scene.make("b", MIB);
    scene.write("b", 0, 1, &none()).unwrap();
    drop(scene.settle("b"));
    scene.world.run(scene.blobs.delete(&scene.container, "a", &none())).unwrap();
    assert_eq!(code(scene.world.run(scene.blobs.delete(&scene.container, "a", &none()))), "BlobNotFound");
    assert_eq!(scene.staged_files(), 0);
    scene.make("c", MIB);
    scene.world.delete(&account());
    scene.world.sweep();
    scene.world.collect();
    assert_eq!(scene.staged_files(), 0);
    assert_eq!(scene.world.store("westeurope").usage().pack_count, 0);
    assert_eq!(code(scene.world.run(scene.blobs.account("acct"))), "ResourceNotFound");
    assert_eq!(
        code(scene.world.run(scene.blobs.delete(&scene.container, "c", &none()))),
        "ContainerNotFound"
    );
}
