//! A server's identity in a temporary folder, with a clock and ids turned by hand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::response::Response;
use control::{Clock, Ids};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

use crate::home::{Connection, Error, Home};
use crate::identity::{Entropy, Identity, Subscription, router};

pub(crate) const ENDPOINT: &str = "https://127.0.0.1:8443";
/// 2026-11-21T00:00:00Z.
pub(crate) const START: i64 = 1_795_219_200;

const KEY_FILE: &str = "signing-key.der";

pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn started() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Counts instead of rolling dice.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Ids for Counter {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst)) + 0xA000)
    }
}

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        for chunk in bytes.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes();
            chunk.copy_from_slice(&count[..chunk.len()]);
        }
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) randomness: Arc<Counter>,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: parts.status, headers: parts.headers, text }
    }
}

impl World {
    /// A folder before its first start, but for the signing key: making one takes a while, so all share it.
    pub(crate) fn new() -> Self {
        static KEY: OnceLock<Vec<u8>> = OnceLock::new();
        let world = Self::without_key();
        let key = KEY.get_or_init(|| {
            let maker = Self::without_key();
            maker.start();
            fs::read(maker.folder.path().join(KEY_FILE)).unwrap()
        });
        let path = world.folder.path().join(KEY_FILE);
        fs::write(&path, key).unwrap();
        close(&path, 0o600);
        close(world.folder.path(), 0o700);
        world
    }

    /// A folder before its first start.
    pub(crate) fn without_key() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: HandClock::started(),
            randomness: Arc::new(Counter::default()),
        }
    }

    pub(crate) fn home(&self) -> Home {
        Home::open(self.folder.path()).unwrap()
    }

    /// One start of the server, reached at `endpoint`.
    pub(crate) fn start_at(&self, endpoint: &str) -> Result<Arc<Identity>, Error> {
        self.start_with(endpoint, &[])
    }

    /// One start with further subscriptions.
    pub(crate) fn start_with(&self, endpoint: &str, more: &[Subscription]) -> Result<Arc<Identity>, Error> {
        let home = Home::open(self.folder.path())?;
        let clock = Arc::clone(&self.clock);
        let ids = Arc::clone(&self.randomness);
        let endpoint = endpoint.parse().unwrap();
        Identity::open(&home, endpoint, more, clock, ids, self.randomness.as_ref()).map(Arc::new)
    }

    pub(crate) fn start(&self) -> Arc<Identity> {
        self.start_at(ENDPOINT).unwrap()
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::read(self.folder.path()).unwrap()
    }
}

fn close(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) async fn get(identity: &Arc<Identity>, path: &str) -> Reply {
    let request = Request::get(path).body(Body::empty()).unwrap();
    Reply::of(router(Arc::clone(identity)).oneshot(request).await.unwrap()).await
}

pub(crate) async fn post(
    identity: &Arc<Identity>,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Reply {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).unwrap();
    Reply::of(router(Arc::clone(identity)).oneshot(request).await.unwrap()).await
}

/// A form body; the values in these tests need escaping of `/`, `:` and `@` only.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let escape =
        |text: &str| text.replace('/', "%2F").replace(':', "%3A").replace('@', "%40").replace(' ', "+");
    fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

pub(crate) async fn post_form(identity: &Arc<Identity>, path: &str, fields: &[(&str, &str)]) -> Reply {
    let media = ("content-type", "application/x-www-form-urlencoded");
    post(identity, path, &[media], form(fields)).await
}

/// The owner's access token.
pub(crate) async fn owner_token(world: &World, identity: &Arc<Identity>) -> String {
    let connection = world.connection();
    let reply = post_form(
        identity,
        "/adfs/oauth2/token",
        &[
            ("grant_type", "client_credentials"),
            ("client_id", &connection.client_id.to_string()),
            ("client_secret", connection.client_secret.expose()),
            ("scope", "https://127.0.0.1:8443//.default"),
        ],
    )
    .await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.json()["access_token"].as_str().unwrap().to_owned()
}
