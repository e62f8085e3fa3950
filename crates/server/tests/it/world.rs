//! A server in a temporary folder, its owner, and a stranger who has an account and no rights.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use server::config::Config;
use server::home::Connection;
use server::identity::{Directory, Secret, SystemEntropy};
use server::{RandomIds, ServeOptions, serve};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

const STRANGER: &str = "stranger@gallerist.local";
const PASSWORD: &str = "correct horse battery";
/// Longer than anything here takes; a test that waits for nothing ends by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct TestServer {
    pub(crate) connection: Connection,
    pub(crate) client: reqwest::Client,
    pub(crate) stop: CancellationToken,
    pub(crate) running: JoinHandle<anyhow::Result<()>>,
    pub(crate) folder: TempDir,
    owner: String,
}

/// What came back, whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        found_directory(folder.path());
        Self::start_in(folder).await
    }

    /// A start on a folder that an earlier server left.
    pub(crate) async fn start_in(folder: TempDir) -> Self {
        Self::start_with(folder, Config::default()).await
    }

    /// A start on a folder with this configuration.
    ///
    /// Its disks are random bytes, which no contract would let pass.
    pub(crate) async fn start_with(folder: TempDir, mut config: Config) -> Self {
        config.inspection.contracts = workers::Contracts::Off;
        let (stop, (announce, announced)) = (CancellationToken::new(), oneshot::channel());
        let running = tokio::spawn(serve(
            ServeOptions { config, ..options(folder.path()) },
            stop.clone(),
            move |endpoint| {
                announce.send(endpoint.clone()).unwrap();
            },
        ));
        tokio::time::timeout(PATIENCE, announced).await.unwrap().unwrap();
        let connection = Connection::read(folder.path()).unwrap();
        let client = client(&connection);
        let grant = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", connection.client_id.to_string()),
            ("client_secret", connection.client_secret.expose().to_owned()),
        ];
        let owner = token(&connection, &client, &grant).await;
        Self { connection, client, stop, running, folder, owner }
    }

    pub(crate) fn subscription(&self) -> String {
        format!("/subscriptions/{}", self.connection.subscription_id)
    }

    pub(crate) fn group(&self) -> String {
        format!("{}/resourceGroups/rg", self.subscription())
    }

    pub(crate) fn compute(&self, path: &str) -> String {
        format!("{}/providers/Microsoft.Compute/{path}", self.group())
    }

    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    /// The token of someone with an account and no rights.
    pub(crate) async fn stranger(&self) -> String {
        let grant = [
            ("grant_type", "password".to_owned()),
            ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46".to_owned()),
            ("username", STRANGER.to_owned()),
            ("password", PASSWORD.to_owned()),
        ];
        token(&self.connection, &self.client, &grant).await
    }

    /// A request of nobody, for a test to complete; an api-version is added when there is no query.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let query =
            if path.contains('?') { String::new() } else { format!("?api-version={}", api_version(path)) };
        self.client.request(method, format!("{}{path}{query}", self.connection.arm_endpoint))
    }

    /// A request of the owner, with a JSON body unless it is null.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).bearer_auth(&self.owner);
        answer(if body.is_null() { request } else { request.json(body) }).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &Value::Null).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, path, body).await
    }

    /// The group `rg`, the gallery `g` and the definition `d`.
    pub(crate) async fn furnish(&self) {
        for (path, body) in [
            (self.group(), located()),
            (self.compute("galleries/g"), located()),
            (self.compute("galleries/g/images/d"), definition_body()),
        ] {
            let made = self.put(&path, &body).await;
            assert_eq!(made.status, 201, "{}", made.text);
        }
    }

    /// A connection as no client library would let one have it.
    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.connection.ca_file).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let address = self.connection.arm_endpoint.as_str().strip_prefix("https://").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// Asks for the server's end and waits for it.
    pub(crate) async fn end(self) -> TempDir {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
        self.folder
    }
}

pub(crate) fn options(data: &Path) -> ServeOptions {
    ServeOptions { data: data.to_owned(), listen: "127.0.0.1:0".parse().unwrap(), config: Config::default() }
}

pub(crate) fn located() -> Value {
    json!({"location": "westeurope"})
}

pub(crate) fn definition_body() -> Value {
    json!({
        "location": "westeurope",
        "properties": {
            "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2",
            "identifier": {"publisher": "contoso", "offer": "linux", "sku": "22"},
        },
    })
}

pub(crate) fn api_version(path: &str) -> &'static str {
    if path.contains("Gallerist.Images") {
        "2026-11-01"
    } else if path.contains("/disks") || path.contains("/snapshots") {
        "2024-03-02"
    } else if path.contains("Microsoft.Compute/images") {
        "2024-07-01"
    } else if path.contains("Microsoft.Storage") {
        "2025-06-01"
    } else if path.contains("Microsoft.Compute") {
        "2024-03-03"
    } else {
        "2024-11-01"
    }
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

/// The directory as the first start would found it, and a stranger in it.
fn found_directory(folder: &Path) {
    let (mut directory, _secret) = Directory::found(&RandomIds, &SystemEntropy).unwrap();
    let password: Secret = serde_json::from_value(json!(PASSWORD)).unwrap();
    directory.add_user(STRANGER, &password, &RandomIds, &SystemEntropy).unwrap();
    let file = folder.join("identity.json");
    fs::write(&file, serde_json::to_vec(&directory).unwrap()).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn client(connection: &Connection) -> reqwest::Client {
    let trusted = fs::read(&connection.ca_file).unwrap();
    let trusted = reqwest::Certificate::from_pem_bundle(&trusted).unwrap();
    let none = reqwest::redirect::Policy::none();
    reqwest::Client::builder().no_proxy().redirect(none).tls_certs_only(trusted).build().unwrap()
}

async fn token(connection: &Connection, client: &reqwest::Client, grant: &[(&str, String)]) -> String {
    let scope = ("scope", format!("{}/.default", connection.arm_endpoint));
    let escape =
        |text: &str| text.replace('/', "%2F").replace(':', "%3A").replace('@', "%40").replace(' ', "+");
    let fields = grant.iter().chain([&scope]).map(|(name, value)| format!("{name}={}", escape(value)));
    let url = format!("{}/{}/oauth2/v2.0/token", connection.arm_endpoint, connection.tenant_id);
    let request = client.post(url).header("content-type", "application/x-www-form-urlencoded");
    let granted = answer(request.body(fields.collect::<Vec<_>>().join("&"))).await;
    granted.json()["access_token"].as_str().unwrap_or_else(|| panic!("{}", granted.text)).to_owned()
}
