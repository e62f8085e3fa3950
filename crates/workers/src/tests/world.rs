//! A whole installation without HTTP: engine, workers and stores on rows in memory and folders that go with the test.
//!
//! Nothing runs by itself: a test says when jobs run, when bytes are collected, what fails and when the process dies.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arm::{Region, ResourceId};
use bytes::Bytes;
use control::{Authority, Directory, Engine, Method, Parts, Principal, Registry, Reply, Request};
use metadata::{Sqlite, Store};
use serde_json::{Value, json};
use store::{Block, BlockBuilder, Digest, Entry, Fault, Options, Piece, Step};
use tempfile::TempDir;
use testkit::{CountedIds, FakeClock};
use tokio::runtime::Runtime;

use super::disk::Disk;
use super::rows::Scripted;
use crate::image::Image;
use crate::replicas::{self, Replica};
use crate::{
    Collector, CommitReply, Contracts, Downloads, Error, Regions, Settings, Staging, Sweeper, Uploads,
    Verification, Workers,
};

pub(crate) const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const OTHER_SUBSCRIPTION: &str = "22222222-2222-2222-2222-222222222222";
pub(crate) const REGIONS: [&str; 3] = ["westeurope", "northeurope", "eastus"];

/// The disks under the regions: what fails.
#[derive(Default)]
pub(crate) struct Faults {
    broken: Mutex<HashSet<&'static str>>,
    steps: AtomicUsize,
    fail_step: Mutex<Option<usize>>,
}

impl Faults {
    /// From now on nothing can be written in `region`.
    pub(crate) fn break_region(&self, region: &'static str) {
        self.broken.lock().unwrap().insert(region);
    }

    pub(crate) fn mend_region(&self, region: &str) {
        self.broken.lock().unwrap().remove(region);
    }

    /// Counts steps on folders from here on; step number `at` fails, once.
    pub(crate) fn fail_step(&self, at: Option<usize>) {
        self.steps.store(0, Ordering::SeqCst);
        *self.fail_step.lock().unwrap() = at;
    }

    /// Steps since [`Faults::fail_step`].
    pub(crate) fn steps(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }

    fn of(self: &Arc<Self>, region: &'static str) -> Fault {
        let faults = self.clone();
        Arc::new(move |step| {
            let number = faults.steps.fetch_add(1, Ordering::SeqCst);
            let is_write = !matches!(step, Step::Read | Step::Remove);
            let is_broken = is_write && faults.broken.lock().unwrap().contains(region);
            if is_broken || *faults.fail_step.lock().unwrap() == Some(number) {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            Ok(())
        })
    }
}

/// One life of the process.
pub(crate) struct Life {
    pub(crate) engine: Arc<Engine>,
    pub(crate) regions: Regions,
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) collector: Collector,
    pub(crate) workers: Workers,
}

/// The installation over all its lives.
pub(crate) struct World {
    pub(crate) rows: Arc<Scripted>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) ids: Arc<CountedIds>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) folder: TempDir,
    settings: Settings,
    life: Option<Life>,
    /// Lives on over restarts: rows in memory go with the connection that it drives.
    runtime: Runtime,
}

struct TwoSubscriptions;

impl Directory for TwoSubscriptions {
    fn has_subscription(&self, id: &str) -> bool {
        [SUBSCRIPTION, OTHER_SUBSCRIPTION].contains(&id)
    }
    fn tenants(&self, _principal: &Principal) -> Value {
        Value::Null
    }
    fn subscriptions(&self, _principal: &Principal) -> Value {
        Value::Null
    }
    fn subscription(&self, _principal: &Principal, _id: &str) -> Value {
        Value::Null
    }
    fn locations(&self, _principal: &Principal, _id: &str) -> Value {
        Value::Null
    }
}

impl World {
    /// A world with a definition in each of two subscriptions, and no pause between tries.
    pub(crate) fn new() -> Self {
        Self::with(|_settings| {})
    }

    pub(crate) fn with(set: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            region_pause: Duration::ZERO,
            region_attempts: 3,
            contracts: Contracts::Off,
            ..Settings::default()
        };
        set(&mut settings);
        let runtime = runtime();
        let rows = runtime.block_on(Sqlite::in_memory()).unwrap();
        let mut world = Self {
            rows: Arc::new(Scripted::new(Arc::new(rows))),
            clock: Arc::default(),
            ids: Arc::default(),
            faults: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
            settings,
            life: None,
            runtime,
        };
        world.begin();
        for subscription in [SUBSCRIPTION, OTHER_SUBSCRIPTION] {
            world.made(&group(subscription), &json!({"location": "westeurope"}));
            world.made(&gallery(subscription), &json!({"location": "westeurope"}));
            world.made(&definition(subscription), &definition_body("linux"));
        }
        world
    }

    /// The process dies and is started again: threads end where they are, locks go, leases are taken over.
    pub(crate) fn restart(&mut self) {
        self.life = None;
        self.rows.arm(None);
        self.begin();
        self.run(self.rows_of().take_over("nobody")).unwrap();
    }

    fn begin(&mut self) {
        let regions = self.opened();
        let engine = Arc::new(Engine::new(Parts {
            metadata: self.rows.clone(),
            registry: Registry::new(providers::resource_types()),
            directory: Arc::new(TwoSubscriptions),
            authority: Authority::of_owners(["owner".to_owned()]),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            regions: REGIONS.map(region).into(),
            limits: providers::Limits::default(),
            sizes: providers::compute::size::Sizes::built_in(),
            reports: Arc::new(crate::Reports),
            page_key: [7; 32],
        }));
        let _inside = self.runtime.enter();
        let (clock, ids) = (self.clock.clone(), self.ids.clone());
        let uploads = Arc::new(Uploads::new(engine.clone(), regions.clone(), clock.clone(), ids.clone()));
        let subscriptions = vec![SUBSCRIPTION.to_owned(), OTHER_SUBSCRIPTION.to_owned()];
        let collector = Collector::new(engine.clone(), regions.clone(), uploads.clone(), subscriptions);
        let (staging, settings) = (self.staging(), self.settings.clone());
        let workers = Workers::new(engine.clone(), regions.clone(), staging, clock, ids, settings);
        self.life = Some(Life { engine, regions, uploads, collector, workers });
    }

    fn opened(&self) -> Regions {
        let folders = REGIONS.map(|name| (region(name), self.region_folder(name)));
        if folders.iter().any(|(_, folder)| folder.is_file()) {
            return Regions::open(
                folders.iter().map(|(region, folder)| (region.clone(), folder.as_path())),
                &Options::default(),
            );
        }
        Regions::of(REGIONS.map(|name| {
            let fault = Some(self.faults.of(name));
            let options = Options { pack_bytes: 256 << 10, fault, ..Options::default() };
            (region(name), open_when_free(name, &self.region_folder(name), &options))
        }))
    }

    /// Starts again without the folder of a region: something else is in its place.
    pub(crate) fn restart_without(&mut self, name: &str) {
        self.life = None;
        let folder = self.region_folder(name);
        std::fs::rename(&folder, folder.with_extension("away")).unwrap();
        std::fs::write(&folder, "not a folder").unwrap();
        self.restart();
    }

    /// The folder is back, for the same process.
    pub(crate) fn bring_back(&self, name: &str) {
        let folder = self.region_folder(name);
        std::fs::remove_file(&folder).unwrap();
        std::fs::rename(folder.with_extension("away"), &folder).unwrap();
    }

    pub(crate) fn life(&self) -> &Life {
        self.life.as_ref().unwrap()
    }

    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    fn rows_of(&self) -> &dyn metadata::Store {
        self.rows.as_ref()
    }

    /// Where bytes are that are still being written.
    pub(crate) fn staging(&self) -> Staging {
        Staging::open(&self.region_folder("staging")).unwrap()
    }

    pub(crate) fn region_folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self, name: &str) -> store::Region {
        self.life().regions.store(&region(name)).unwrap().clone()
    }

    // Requests.

    pub(crate) fn ask(&self, method: Method, id: &str, query: &str, body: &Value) -> Reply {
        self.run(self.life().engine.handle(&request(method, id, query, body)))
    }

    pub(crate) fn put(&self, id: &str, body: &Value) -> Reply {
        self.ask(Method::Put, id, &format!("api-version={}", api_version(id)), body)
    }

    /// PUTs what must be accepted.
    pub(crate) fn made(&self, id: &str, body: &Value) {
        let reply = self.put(id, body);
        assert!(matches!(reply.status, 200..=202), "{id}: {reply:?}");
    }

    /// A resource as it is shown, with the state of its replicas.
    pub(crate) fn get(&self, id: &str) -> Value {
        let query = format!("api-version={}&$expand=ReplicationStatus", api_version(id));
        let reply = self.ask(Method::Get, id, &query, &Value::Null);
        assert_eq!(reply.status, 200, "{id}: {reply:?}");
        reply.body.unwrap()
    }

    pub(crate) fn delete(&self, id: &str) {
        let reply = self.ask(Method::Delete, id, &format!("api-version={}", api_version(id)), &Value::Null);
        assert!(matches!(reply.status, 200 | 202), "{id}: {reply:?}");
    }

    pub(crate) fn state(&self, id: &str) -> String {
        self.get(id)["properties"]["provisioningState"].as_str().unwrap().to_owned()
    }

    // Bytes in.

    /// Begins an upload below the definition of a subscription.
    pub(crate) fn begin_upload(&self, subscription: &str, name: &str, size_bytes: u64) -> ResourceId {
        let id = upload(subscription, name);
        let properties = json!({"format": "raw", "sizeBytes": size_bytes});
        self.made(&id, &json!({"location": "westeurope", "properties": properties}));
        id.parse().unwrap()
    }

    pub(crate) fn send(&self, upload: &ResourceId, chunks: &[(Digest, Vec<u8>)]) -> Result<(), Error> {
        self.run(self.life().uploads.receive(upload, body_of(chunks).into()))
    }

    pub(crate) fn commit(&self, upload: &ResourceId, entries: Vec<Entry>) -> Result<CommitReply, Error> {
        self.run(self.life().uploads.commit(upload, entries))
    }

    /// A committed upload of `disk`; answers the image's digest.
    pub(crate) fn upload(&self, subscription: &str, name: &str, disk: &Disk) -> Digest {
        let size = u64::try_from(disk.bytes().len()).unwrap();
        let id = self.begin_upload(subscription, name, size);
        let (entries, chunks) = cut(disk);
        self.send(&id, &chunks).unwrap();
        match self.commit(&id, entries).unwrap() {
            CommitReply::Committed { digest, .. } => digest,
            CommitReply::Missing(missing) => panic!("{} chunks are missing", missing.len()),
        }
    }

    /// Uploads `disk` and asks for a version of it in `regions`; no job has run yet.
    pub(crate) fn ask_for_version(&self, name: &str, disk: &Disk, regions: &[&str]) -> String {
        self.upload(SUBSCRIPTION, name, disk);
        let id = version(name);
        self.made(&id, &version_body(name, regions));
        id
    }

    /// A version that stands complete in `regions`.
    pub(crate) fn publish(&self, name: &str, disk: &Disk, regions: &[&str]) -> String {
        let id = self.ask_for_version(name, disk, regions);
        self.run_due();
        assert_eq!(self.state(&id), "Succeeded");
        id
    }

    // What happens by itself elsewhere.

    /// Runs every job that is due now; answers how many.
    pub(crate) fn run_due(&self) -> usize {
        self.run(self.life().workers.run_due())
    }

    pub(crate) fn collect(&self) {
        self.run(self.life().collector.collect()).unwrap();
    }

    pub(crate) fn sweep(&self) {
        let life = self.life();
        let sweeper = Sweeper {
            engine: life.engine.clone(),
            uploads: life.uploads.clone(),
            staging: self.staging(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            subscriptions: vec![SUBSCRIPTION.to_owned(), OTHER_SUBSCRIPTION.to_owned()],
        };
        self.run(sweeper.sweep()).unwrap();
    }

    // What stands.

    pub(crate) fn replica(&self, id: &str, name: &str) -> Option<Replica> {
        let id: ResourceId = id.parse().unwrap();
        let all = self.run(replicas::read(self.rows.as_ref(), &id)).unwrap();
        all.into_iter().find(|(found, _)| *found == region(name)).map(|(_, replica)| replica)
    }

    /// The disk of a version as a client in `name` reads it.
    pub(crate) fn read(&self, id: &str, name: &str) -> Result<Vec<u8>, Error> {
        let downloads = Downloads::new(self.life().engine.clone(), self.life().regions.clone());
        let found = self.run(downloads.find(&id.parse().unwrap(), Some(&region(name)), None))?;
        let mut bytes = vec![0xee; usize::try_from(found.size_bytes).unwrap()];
        self.store(name).image(found.root, found.size_bytes)?.read(0, &mut bytes)?;
        Ok(bytes)
    }

    /// The disk behind a row of any type, as it is read in `name`.
    pub(crate) fn bytes_of(&self, id: &str, name: &str) -> Vec<u8> {
        let row = self.run(self.rows.row(&id.parse().unwrap())).unwrap().unwrap();
        let image = Image::of(&control::stored_of(&row).unwrap().document).expect("it has an image");
        let mut bytes = vec![0xee; usize::try_from(image.size_bytes).unwrap()];
        self.store(name).image(image.root, image.size_bytes).unwrap().read(0, &mut bytes).unwrap();
        bytes
    }

    /// What a POST of `action` comes to once every job has run: the operation's job.
    pub(crate) fn act(&self, id: &str, action: &str, body: &Value) -> Reply {
        let query = format!("api-version={}", api_version(id));
        self.ask(Method::Post, &format!("{id}/{action}"), &query, body)
    }

    /// The job of the last operation on a resource.
    pub(crate) fn operation_of(&self, reply: &Reply) -> metadata::Job {
        let url = reply.headers.iter().find(|(name, _)| *name == "azure-asyncoperation").unwrap().1.clone();
        let id = url.split('?').next().unwrap().rsplit('/').next().unwrap().parse().unwrap();
        self.run(self.rows.job(metadata::JobId(id))).unwrap().unwrap()
    }

    pub(crate) fn stands(&self, id: &str, disk: &Disk, regions: &[&str]) {
        for name in regions {
            assert!(self.read(id, name).unwrap() == disk.bytes(), "{id} in {name} differs");
        }
    }

    pub(crate) fn verify(&self) -> Verification {
        let subscriptions = [SUBSCRIPTION.to_owned(), OTHER_SUBSCRIPTION.to_owned()];
        let regions = self.life().regions.clone();
        self.run(crate::verify(self.rows.as_ref(), &regions, &subscriptions, &|_, _, _| {})).unwrap()
    }

    pub(crate) fn is_clean(&self) {
        let found = self.verify();
        assert_eq!(found.violations, Vec::new());
    }

    pub(crate) fn stored_bytes(&self, name: &str) -> u64 {
        self.store(name).usage().stored_bytes
    }
}

/// Opens a store; waits for threads of an earlier life, which would have died with their process.
fn open_when_free(name: &str, folder: &Path, options: &Options) -> store::Region {
    loop {
        match store::Region::open(name, folder, options.clone()) {
            Err(store::Error::Busy { .. }) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

/// One that the type of a resource answers.
fn api_version(id: &str) -> &'static str {
    match id {
        id if id.contains("/Gallerist.Images/") => "2026-11-01",
        id if id.contains("/disks/") || id.contains("/snapshots/") => "2024-03-02",
        id if id.contains("/Microsoft.Storage/") => "2025-06-01",
        id if id.contains("Microsoft.Compute/images/") => "2024-07-01",
        id if id.contains("/providers/") => "2024-03-03",
        _ => "2024-11-01",
    }
}

/// A request of the owner.
pub(crate) fn request(method: Method, id: &str, query: &str, body: &Value) -> Request {
    Request {
        method,
        path: id.to_owned(),
        query: query.to_owned(),
        body: if body.is_null() { Bytes::new() } else { body.to_string().into() },
        content_type: Some("application/json".to_owned()),
        if_match: Vec::new(),
        if_none_match: Vec::new(),
        caller: Ok(Principal {
            object_id: "owner".to_owned(),
            tenant_id: "tenant".to_owned(),
            name: "owner".to_owned(),
        }),
        correlation_id: "correlation".to_owned(),
        base: "https://gallerist.example".to_owned(),
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub(crate) fn region(name: &str) -> Region {
    name.parse().unwrap()
}

pub(crate) fn group(subscription: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/images")
}

/// A resource of the compute provider in the group.
pub(crate) fn compute(path: &str) -> String {
    format!("{}/providers/Microsoft.Compute/{path}", group(SUBSCRIPTION))
}

pub(crate) fn gallery(subscription: &str) -> String {
    format!("{}/providers/Microsoft.Compute/galleries/shelf", group(subscription))
}

pub(crate) fn definition(subscription: &str) -> String {
    format!("{}/images/linux", gallery(subscription))
}

pub(crate) fn upload(subscription: &str, name: &str) -> String {
    format!("{}/providers/Gallerist.Images/uploads/{name}", definition(subscription))
}

pub(crate) fn version(name: &str) -> String {
    format!("{}/versions/{name}", definition(SUBSCRIPTION))
}

pub(crate) fn definition_body(sku: &str) -> Value {
    json!({"location": "westeurope", "properties": {
        "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2",
        "identifier": {"publisher": "example", "offer": "linux", "sku": sku},
    }})
}

/// A version in `regions` from the upload of the same name.
pub(crate) fn version_body(name: &str, regions: &[&str]) -> Value {
    body_from(&json!({"osDiskImage": {"source": {"id": upload(SUBSCRIPTION, name)}}}), regions)
}

pub(crate) fn body_from(storage: &Value, regions: &[&str]) -> Value {
    let regions: Vec<Value> = regions.iter().map(|name| json!({"name": name})).collect();
    json!({"location": "westeurope", "properties": {
        "publishingProfile": {"targetRegions": regions}, "storageProfile": storage,
        "safetyProfile": {"allowDeletionOfReplicatedLocations": true},
    }})
}

/// The list of a disk and its chunks, each once.
pub(crate) fn cut(disk: &Disk) -> (Vec<Entry>, Vec<(Digest, Vec<u8>)>) {
    let (mut entries, mut chunks) = (Vec::new(), BTreeMap::new());
    store::cut(disk, &mut |piece| {
        match piece {
            Piece::Hole { length, .. } => entries.push(Entry::Hole { length }),
            Piece::Chunk { digest, bytes, .. } => {
                entries.push(Entry::Chunk { digest, length: u32::try_from(bytes.len()).unwrap() });
                chunks.insert(digest, bytes.to_vec());
            }
        }
        Ok(())
    })
    .unwrap();
    (entries, chunks.into_iter().collect())
}

/// Chunks packed as a client sends them.
pub(crate) fn body_of(chunks: &[(Digest, Vec<u8>)]) -> Vec<u8> {
    let (mut body, mut open) = (Vec::new(), BlockBuilder::new());
    for (digest, bytes) in chunks {
        if open.push(*digest, bytes).unwrap() {
            let block: Block = std::mem::take(&mut open).finish();
            block.write_to(&mut body);
        }
    }
    if !open.is_empty() {
        open.finish().write_to(&mut body);
    }
    body
}
