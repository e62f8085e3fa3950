//! Ten thousand versions of one image among fifty thousand of others.
//!
//! What a request costs is counted in reads and rows, which are the same on every machine; that each read searches
//! an index is tested where the statements are.

use std::sync::Arc;

use arm::{Region, ResourceId};
use control::{Authority, Directory, Engine, Method, Parts, Principal, Registry, Reply, Request, stored_of};
use metadata::{Change, Row, Sqlite, Store};
use serde_json::{Value, json};
use testkit::{CountedIds, FakeClock};
use workers::{Downloads, Regions};

use crate::counting::{Cost, Counting};
use crate::world::{definition_body, located};

const BASE: &str = "https://arm.example";
const GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";
const VERSIONS: usize = 10_000;
const OTHER_DEFINITIONS: usize = 5;
const ROWS_PER_COMMIT: usize = 5_000;

struct OneSubscription;

impl Directory for OneSubscription {
    fn has_subscription(&self, _id: &str) -> bool {
        true
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

pub(crate) struct Large {
    engine: Arc<Engine>,
    pub(crate) store: Arc<Counting>,
    downloads: Downloads,
}

impl Large {
    pub(crate) async fn with_definition() -> Self {
        let store = Arc::new(Counting::new(Arc::new(Sqlite::in_memory().await.unwrap())));
        let clock = Arc::new(FakeClock::default());
        let engine = Arc::new(Engine::new(Parts {
            metadata: store.clone(),
            registry: Registry::new(providers::resource_types()),
            directory: Arc::new(OneSubscription),
            authority: Authority::of_owners(["owner".to_owned()]),
            clock,
            ids: Arc::new(CountedIds::default()),
            regions: ["westeurope".parse().unwrap()].into(),
            limits: providers::Limits::default(),
            sizes: providers::compute::size::Sizes::built_in(),
            reports: Arc::new(workers::Reports),
            page_key: [0; 32],
        }));
        let downloads = Downloads::new(engine.clone(), Regions::of([]));
        let large = Self { engine, store, downloads };
        for (path, body) in
            [(GROUP.to_owned(), located()), (gallery(), located()), (definition("d"), definition_body())]
        {
            assert_eq!(large.ask(Method::Put, &path, &body).await.status, 201);
        }
        large
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> Reply {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method,
            path: path.to_owned(),
            query: if query.is_empty() { "api-version=2031-01-01".to_owned() } else { query.to_owned() },
            body: body.to_string().into(),
            content_type: Some("application/json".to_owned()),
            if_match: Vec::new(),
            if_none_match: Vec::new(),
            caller: Ok(Principal {
                object_id: "owner".to_owned(),
                tenant_id: String::new(),
                name: String::new(),
            }),
            correlation_id: String::new(),
            base: BASE.to_owned(),
        };
        self.engine.handle(&request).await
    }

    /// Every name of a list, and the number of its pages.
    async fn names(&self, path: &str) -> (Vec<String>, usize) {
        let (mut names, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
        while let Some(path) = next {
            let reply = self.ask(Method::Get, &path, &Value::Null).await;
            let body = reply.body.unwrap();
            let items = body["value"].as_array().unwrap();
            names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            pages += 1;
            next = body["nextLink"].as_str().and_then(|link| link.strip_prefix(BASE)).map(str::to_owned);
        }
        (names, pages)
    }

    /// Puts 10,000 versions below a definition, as rows, out of order.
    async fn fill(&self, definition_name: &str) {
        let one = self.version_row(definition_name).await;
        let all: Vec<Row> =
            (0..VERSIONS).rev().map(|number| self.row(&one, definition_name, number)).collect();
        for rows in all.chunks(ROWS_PER_COMMIT) {
            self.store.commit(Change { put: rows.to_vec(), ..Change::default() }).await.unwrap();
        }
    }

    /// A row as publishing leaves it, to be multiplied.
    async fn version_row(&self, definition_name: &str) -> Row {
        let id: ResourceId = definition(definition_name).parse().unwrap();
        let row = self.store.row(&id).await.unwrap().unwrap();
        let mut document = stored_of(&row).unwrap().document;
        document.properties = serde_json::from_value(json!({
            "publishingProfile": {"targetRegions": [{"name": "West Europe", "regionalReplicaCount": 1}]},
            "storageProfile": {"osDiskImage": {"hostCaching": "ReadWrite", "source": {"id": "/subscriptions/s"}}},
        }))
        .unwrap();
        let root = store::Digest::from_bytes([7; 32]).to_string();
        document.internal = serde_json::from_value(json!({"root": root, "sizeBytes": 4096})).unwrap();
        let document = serde_json::to_value(document).unwrap();
        Row { document, claims: Vec::new(), counted: Vec::new(), ..row }
    }

    fn row(&self, one: &Row, definition_name: &str, number: usize) -> Row {
        let name = version_name(number);
        let id: ResourceId = format!("{}/versions/{name}", definition(definition_name)).parse().unwrap();
        let sort_key = name.parse::<arm::VersionName>().unwrap().sort_key();
        Row { id, sort_key, etag: number.to_string(), ..one.clone() }
    }

    async fn complete(&self, definition_name: &str, number: usize) {
        let id =
            format!("{}/versions/{}", definition(definition_name), version_name(number)).parse().unwrap();
        self.store.put_facet(&id, "replica/westeurope", &json!({"state": "Completed"})).await.unwrap();
    }

    async fn exclude(&self, definition_name: &str, number: usize) {
        let id =
            format!("{}/versions/{}", definition(definition_name), version_name(number)).parse().unwrap();
        let mut row = self.store.row(&id).await.unwrap().unwrap();
        row.document["properties"]["publishingProfile"]["excludeFromLatest"] = true.into();
        self.store.commit(Change { put: vec![row], ..Change::default() }).await.unwrap();
    }

    async fn latest(&self, definition_name: &str) -> String {
        let id = format!("{}/versions/latest", definition(definition_name)).parse().unwrap();
        let region: Region = "westeurope".parse().unwrap();
        self.downloads.find(&id, Some(&region), None).await.unwrap().id.name().to_owned()
    }
}

fn gallery() -> String {
    format!("{GROUP}/providers/Microsoft.Compute/galleries/g")
}

fn definition(name: &str) -> String {
    format!("{}/images/{name}", gallery())
}

/// Text order and number order of these differ in every part.
fn version_name(number: usize) -> String {
    format!("{}.{}.{}", number / 2_500, number / 50 % 50, number % 50)
}

/// What listing all, showing one, and finding the latest cost.
async fn costs(large: &Large) -> [Cost; 3] {
    large.store.take();
    large.names(&format!("{}/versions", definition("d"))).await;
    let listing = large.store.take();
    let one = format!("{}/versions/{}", definition("d"), version_name(4_321));
    assert_eq!(large.ask(Method::Get, &one, &Value::Null).await.status, 200);
    let showing = large.store.take();
    large.latest("d").await;
    [listing, showing, large.store.take()]
}

#[tokio::test]
async fn ten_thousand_versions_cost_the_same_beside_fifty_thousand_others() {
    let large = Large::with_definition().await;
    large.fill("d").await;
    // The newest stands nowhere yet, the one before is not offered.
    large.exclude("d", VERSIONS - 2).await;
    for number in [VERSIONS - 2, VERSIONS - 3, 17] {
        large.complete("d", number).await;
    }
    let alone = costs(&large).await;

    for other in 0..OTHER_DEFINITIONS {
        let name = format!("d{other}");
        let mut body = definition_body();
        body["properties"]["identifier"]["sku"] = name.clone().into();
        assert_eq!(large.ask(Method::Put, &definition(&name), &body).await.status, 201);
        large.fill(&name).await;
        large.complete(&name, other).await;
    }
    assert_eq!(costs(&large).await, alone);

    let [listing, showing, latest] = alone;
    let pages = VERSIONS / 200;
    // Each page looks up the group and the definition, reads its rows, and one more to know whether more follow.
    assert_eq!(listing, Cost { reads: pages * 3, rows: VERSIONS + (pages - 1) + pages * 2 });
    assert_eq!(showing, Cost { reads: 1, rows: 1 });
    assert!(latest.reads < 10 && latest.rows < 100, "{latest:?}");

    let (names, page_count) = large.names(&format!("{}/versions", definition("d"))).await;
    let wanted: Vec<String> = (0..VERSIONS).map(version_name).collect();
    assert_eq!((names == wanted, page_count), (true, pages), "all once, by number");
    assert_eq!(large.latest("d").await, version_name(VERSIONS - 3));
    for other in 0..OTHER_DEFINITIONS {
        assert_eq!(large.latest(&format!("d{other}")).await, version_name(other));
    }
}
