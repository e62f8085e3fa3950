//! An engine with everything around it that a request needs, and nothing of the machine.

use std::sync::Arc;

use arm::ResourceId;
use bytes::Bytes;
use control::{
    Authority, Clock, Directory, Engine, Method, Parts, Principal, Registry, Reply, Request, row_of,
    stored_of,
};
use jiff::{SignedDuration, Timestamp};
use metadata::{ActivityEntry, Change, Ending, Expect, Job, Sqlite, Store};
use providers::{Rejection, State, Stored};
use serde_json::{Value, json};
use testkit::{CountedIds, FakeClock};

pub(crate) const SUBSCRIPTION: &str = "/subscriptions/11111111-1111-1111-1111-111111111111";
pub(crate) const OTHER_SUBSCRIPTION: &str = "/subscriptions/22222222-2222-2222-2222-222222222222";
pub(crate) const BASE: &str = "https://arm.example:8443";
pub(crate) const BLOB: &str = "https://acc.blob.core.windows.net/vhds/os.vhd";
pub(crate) const CORRELATION: &str = "00000000-0000-0000-0000-0000000000cc";
const OWNER: &str = "0wner";

pub(crate) fn group() -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg")
}

/// The path of something of `Microsoft.Compute` in the group: `galleries/g`.
pub(crate) fn compute(path: &str) -> String {
    format!("{}/providers/Microsoft.Compute/{path}", group())
}

pub(crate) fn gallery() -> String {
    compute("galleries/g")
}

pub(crate) fn definition() -> String {
    compute("galleries/g/images/d")
}

pub(crate) fn version(name: &str) -> String {
    compute(&format!("galleries/g/images/d/versions/{name}"))
}

pub(crate) fn located() -> Value {
    json!({"location": "westeurope"})
}

/// The body of a definition whose identifier ends in `sku`.
pub(crate) fn definition_body(sku: &str) -> Value {
    json!({
        "location": "westeurope",
        "properties": {
            "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2",
            "identifier": {"publisher": "contoso", "offer": "linux", "sku": sku},
        },
    })
}

/// The body of a version made of a blob.
pub(crate) fn version_body() -> Value {
    json!({"location": "westeurope", "properties": {"storageProfile": {"osDiskImage": {"source": {"uri": BLOB}}}}})
}

pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    pub(crate) rows: Arc<Sqlite>,
    pub(crate) clock: Arc<FakeClock>,
}

impl World {
    /// Nothing but two subscriptions and their owner.
    pub(crate) async fn empty() -> Self {
        Self::limited(&[]).await
    }

    /// As [`World::empty`], with these limits in place of Azure's.
    pub(crate) async fn limited(limits: &[(&str, u64)]) -> Self {
        Self::with(limits, &["westeurope", "northeurope"]).await
    }

    /// As [`World::empty`], in other regions.
    pub(crate) async fn in_regions(regions: &[&str]) -> Self {
        Self::with(&[], regions).await
    }

    async fn with(limits: &[(&str, u64)], regions: &[&str]) -> Self {
        let limits = limits.iter().map(|(name, most)| ((*name).to_owned(), *most)).collect();
        let rows = Arc::new(Sqlite::in_memory().await.unwrap());
        let clock = Arc::new(FakeClock::default());
        let engine = Engine::new(Parts {
            metadata: rows.clone(),
            registry: Registry::new(providers::resource_types()),
            directory: Arc::new(TwoSubscriptions),
            authority: Authority::of_owners([OWNER.to_owned()]),
            clock: clock.clone(),
            ids: Arc::new(CountedIds::default()),
            regions: regions.iter().map(|name| name.parse().unwrap()).collect(),
            limits: providers::Limits::with(&limits).unwrap(),
            sizes: providers::compute::size::Sizes::built_in(),
            reports: Arc::new(ReportsAsKept),
            page_key: [7; 32],
        });
        Self { engine: Arc::new(engine), rows, clock }
    }

    /// With the group `rg`, the gallery `g` in it, and the definition `d` in that.
    pub(crate) async fn furnished() -> Self {
        let world = Self::empty().await;
        for (path, body) in
            [(group(), located()), (gallery(), located()), (definition(), definition_body("d"))]
        {
            let reply = world.put(&path, &body).await;
            assert_eq!(reply.status, 201, "{reply:?}");
        }
        world
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Ask::new(Method::Get, path)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(Ask::new(Method::Put, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send(Ask::new(Method::Patch, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(Ask::new(Method::Delete, path)).await
    }

    pub(crate) async fn send(&self, ask: Ask) -> Reply {
        self.engine.handle(&ask.into_request()).await
    }

    /// Every name of a list, page after page, and how many pages there were.
    pub(crate) async fn names(&self, path: &str) -> (Vec<String>, usize) {
        let (mut names, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
        while let Some(path) = next {
            let reply = self.get(&path).await;
            assert_eq!(reply.status, 200, "{reply:?}");
            let body = reply.body.unwrap();
            names.extend(names_in(&body));
            pages += 1;
            next = next_path(&body);
        }
        (names, pages)
    }

    /// Ends every open job well, as a worker would.
    pub(crate) async fn finish_jobs(&self) {
        self.end_jobs(State::Succeeded).await;
    }

    /// Ends every open job, leaving its resource in `state`.
    pub(crate) async fn end_jobs(&self, state: State) {
        let now = self.clock.now();
        let until = now.checked_add(SignedDuration::from_mins(1)).unwrap();
        while let Some(job) = self.rows.lease("worker", now, until).await.unwrap() {
            let row = self.rows.row(&job.target).await.unwrap().unwrap();
            let mut stored = stored_of(&row).unwrap();
            stored.document.state = state;
            if state == State::Succeeded {
                note_bytes(&mut stored);
            }
            let change = Change {
                expect: vec![Expect::Exists(row.id.clone())],
                put: vec![row_of(&row, &stored.document).unwrap()],
                ..Change::default()
            };
            let ending = match state {
                State::Failed => Ending::Failed(json!({"code": "InvalidVhd", "message": "It is no disk."})),
                _ => Ending::Succeeded(Value::Null),
            };
            self.rows.finish(job.id, "worker", ending, now, change).await.unwrap();
        }
    }

    pub(crate) async fn open_jobs(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for id in self.rows.open_jobs().await.unwrap() {
            jobs.push(self.rows.job(id).await.unwrap().unwrap());
        }
        jobs
    }

    /// How much the activity log says of the marketplace.
    pub(crate) async fn activity_of_tenant(&self) -> usize {
        let scope = providers::images::marketplace::root();
        self.rows.activity(&scope, Timestamp::UNIX_EPOCH, 10_000).await.unwrap().len()
    }

    /// All activity in the first subscription, oldest first.
    pub(crate) async fn activity(&self) -> Vec<ActivityEntry> {
        let scope: ResourceId = SUBSCRIPTION.parse().unwrap();
        let mut entries = self.rows.activity(&scope, Timestamp::UNIX_EPOCH, 10_000).await.unwrap();
        entries.reverse();
        entries
    }
}

/// The notes that the job of a disk or snapshot leaves of its bytes; 4 GiB unless another size was asked for.
fn note_bytes(stored: &mut Stored) {
    let kind = stored.id.type_name();
    if kind.is("Microsoft.Compute/disks") || kind.is("Microsoft.Compute/snapshots") {
        let document = &mut stored.document;
        let gib = document.properties.get("diskSizeGB").and_then(Value::as_u64).unwrap_or(4);
        document.properties.insert("diskSizeGB".to_owned(), gib.into());
        document.properties.insert("diskSizeBytes".to_owned(), (gib << 30).into());
        document.internal.insert("sizeBytes".to_owned(), (gib << 30).into());
        document.internal.remove("source");
    }
}

/// A request in the making; it comes from the owner and is JSON unless said otherwise.
#[derive(Clone)]
pub(crate) struct Ask {
    method: Method,
    path: String,
    body: Bytes,
    content_type: Option<String>,
    if_match: Vec<String>,
    if_none_match: Vec<String>,
    caller: Result<Principal, Rejection>,
}

impl Ask {
    /// `path` may carry a query; an api-version that its type answers is added when there is none.
    pub(crate) fn new(method: Method, path: &str) -> Self {
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = if path.contains("api-version") {
            path.to_owned()
        } else {
            format!("{path}{joint}api-version={}", api_version_of(path))
        };
        Self {
            method,
            path,
            body: Bytes::new(),
            content_type: None,
            if_match: Vec::new(),
            if_none_match: Vec::new(),
            caller: Ok(principal(OWNER)),
        }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string()).media("application/json")
    }

    pub(crate) fn bytes(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    pub(crate) fn media(self, media: &str) -> Self {
        Self { content_type: Some(media.to_owned()), ..self }
    }

    pub(crate) fn if_match(mut self, value: &str) -> Self {
        self.if_match.push(value.to_owned());
        self
    }

    pub(crate) fn if_none_match(mut self, value: &str) -> Self {
        self.if_none_match.push(value.to_owned());
        self
    }

    pub(crate) fn by(self, who: &str) -> Self {
        Self { caller: Ok(principal(who)), ..self }
    }

    /// As somebody whose token is of this tenant.
    pub(crate) fn of_tenant(self, tenant: &str) -> Self {
        let caller = self.caller.map(|caller| Principal { tenant_id: tenant.to_owned(), ..caller });
        Self { caller, ..self }
    }

    pub(crate) fn by_nobody(self) -> Self {
        Self { caller: Err(Rejection::new(401, "AuthenticationFailed", "No token.")), ..self }
    }

    pub(crate) fn into_request(self) -> Request {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        Request {
            method: self.method,
            path: path.to_owned(),
            query: query.to_owned(),
            body: self.body,
            content_type: self.content_type,
            if_match: self.if_match,
            if_none_match: self.if_none_match,
            caller: self.caller,
            correlation_id: CORRELATION.to_owned(),
            base: BASE.to_owned(),
        }
    }
}

pub(crate) fn api_version_of(path: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    if path.contains("gallerist.images") {
        "2026-11-01"
    } else if path.contains("/disks/") || path.contains("/snapshots/") {
        "2023-10-02"
    } else if path.contains("microsoft.compute/images") {
        "2024-07-01"
    } else if path.contains("microsoft.compute") {
        "2024-03-03"
    } else {
        "2024-11-01"
    }
}

pub(crate) fn principal(object_id: &str) -> Principal {
    Principal {
        object_id: object_id.to_owned(),
        tenant_id: "tenant".to_owned(),
        name: format!("app {object_id}"),
    }
}

/// `ResourceNotFound` out of an error body; empty without one.
pub(crate) fn code(reply: &Reply) -> &str {
    reply.body.as_ref().and_then(|body| body["error"]["code"].as_str()).unwrap_or_default()
}

pub(crate) fn message(reply: &Reply) -> &str {
    reply.body.as_ref().and_then(|body| body["error"]["message"].as_str()).unwrap_or_default()
}

pub(crate) fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

pub(crate) fn body(reply: &Reply) -> &Value {
    reply.body.as_ref().unwrap_or(&Value::Null)
}

pub(crate) fn names_in(list: &Value) -> Vec<String> {
    let items = list["value"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn next_path(list: &Value) -> Option<String> {
    let link = list["nextLink"].as_str()?;
    Some(link.strip_prefix(BASE).expect("links are absolute").to_owned())
}

struct TwoSubscriptions;

impl Directory for TwoSubscriptions {
    fn has_subscription(&self, id: &str) -> bool {
        [SUBSCRIPTION, OTHER_SUBSCRIPTION]
            .iter()
            .any(|known| known.ends_with(&id.to_ascii_lowercase()) && id.len() == 36)
    }

    fn tenants(&self, principal: &Principal) -> Value {
        json!({"value": [{"tenantId": principal.tenant_id}]})
    }

    fn subscriptions(&self, _principal: &Principal) -> Value {
        json!({"value": [{"id": SUBSCRIPTION}, {"id": OTHER_SUBSCRIPTION}]})
    }

    fn subscription(&self, _principal: &Principal, id: &str) -> Value {
        json!({"subscriptionId": id})
    }

    fn locations(&self, _principal: &Principal, _id: &str) -> Value {
        json!({"value": [{"name": "westeurope"}]})
    }
}

/// Forms that only name themselves.
struct ReportsAsKept;

impl control::Reports for ReportsAsKept {
    fn told(&self, report: &Value, form: control::ReportForm) -> Option<Value> {
        Some(json!({"form": format!("{form:?}"), "report": report}))
    }

    fn difference(&self, old: &Value, new: &Value) -> Option<Value> {
        Some(json!([old, new]))
    }
}
