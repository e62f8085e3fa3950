//! The wire from the client's side: tokens, ARM requests and operations, and the data plane.
//!
//! A request that fails before it was answered, or with 429 or 503, is tried again; every request here may be
//! repeated without harm.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::connect::Peer;

/// Asked of ARM resources.
pub(crate) const COMPUTE: &str = "2024-03-03";
pub(crate) const GROUPS: &str = "2024-11-01";
pub(crate) const IMAGES: &str = "2026-11-01";

/// How long a request is tried again while the server cannot be reached.
const PATIENCE: Duration = Duration::from_secs(120);

/// A signed-in client.
pub(crate) struct Client {
    http: reqwest::Client,
    peer: Peer,
    token: Mutex<Option<String>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// An error that the server answered with.
#[derive(Debug, thiserror::Error)]
#[error("({code}) {message}")]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Client {
    pub(crate) fn new(peer: Peer) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).no_proxy();
        if let Some(file) = &peer.ca_file {
            let pem = std::fs::read(file).context("cannot read the server's certificate (ca.pem)")?;
            let trusted = reqwest::Certificate::from_pem_bundle(&pem)
                .context("the server's certificate cannot be read")?;
            builder = builder.tls_certs_only(trusted);
        }
        Ok(Self { http: builder.build()?, peer, token: Mutex::default() })
    }

    pub(crate) fn subscription(&self) -> String {
        format!("/subscriptions/{}", self.peer.subscription_id)
    }

    async fn token(&self) -> anyhow::Result<String> {
        let mut kept = self.token.lock().await;
        if let Some(token) = &*kept {
            return Ok(token.clone());
        }
        let url = format!("{}/{}/oauth2/v2.0/token", self.peer.endpoint, self.peer.tenant_id);
        let scope = format!("{}/.default", self.peer.endpoint);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.peer.client_id),
            ("client_secret", &self.peer.client_secret),
            ("scope", &scope),
        ];
        let form: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let send = || {
            self.http
                .post(&url)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.join("&"))
                .send()
        };
        let response = patiently(send).await.context("cannot reach the server to sign in; is it running?")?;
        let status = response.status();
        let body: Value =
            response.json().await.context("the sign-in was answered with something else than JSON")?;
        let Some(token) = body["access_token"].as_str() else {
            bail!(
                "the sign-in was refused ({status}): {}",
                body["error_description"].as_str().unwrap_or("no reason given")
            );
        };
        *kept = Some(token.to_owned());
        Ok(token.to_owned())
    }

    /// One request, signed in; tried again while the server cannot be reached, and once with a fresh token.
    async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<(Bytes, &'static str)>,
    ) -> anyhow::Result<reqwest::Response> {
        let url =
            if url.starts_with("https://") { url.to_owned() } else { format!("{}{url}", self.peer.endpoint) };
        for fresh in [false, true] {
            if fresh {
                *self.token.lock().await = None;
            }
            let token = self.token().await?;
            let send = || {
                let mut request = self.http.request(method.clone(), &url).bearer_auth(&token);
                if let Some((bytes, media)) = &body {
                    request = request.header("content-type", *media).body(bytes.clone());
                }
                request.send()
            };
            let response = patiently(send).await.context("the server cannot be reached")?;
            if response.status() != StatusCode::UNAUTHORIZED || fresh {
                return Ok(response);
            }
        }
        bail!("the server does not accept its own tokens")
    }

    /// A JSON document, or the error the server answered with.
    pub(crate) async fn json(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(Value, Option<String>)> {
        let body = body.map(|body| (Bytes::from(body.to_string()), "application/json"));
        let response = accepted(self.send(method, url, body).await?).await?;
        let operation = response
            .headers()
            .get("azure-asyncoperation")
            .and_then(|url| url.to_str().ok())
            .map(str::to_owned);
        let text = response.bytes().await?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_slice(&text)? };
        Ok((body, operation))
    }

    pub(crate) async fn get_json(&self, url: &str) -> anyhow::Result<Value> {
        Ok(self.json(Method::GET, url, None).await?.0)
    }

    /// As [`Client::get_json`]; `None` for what does not exist.
    pub(crate) async fn find(&self, url: &str) -> anyhow::Result<Option<Value>> {
        match self.get_json(url).await {
            Ok(found) => Ok(Some(found)),
            Err(error) => match error.downcast_ref::<Refused>() {
                Some(refused) if refused.status == StatusCode::NOT_FOUND => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// PUTs a resource; answers it and the operation that finishes it, if there is one.
    pub(crate) async fn put(&self, url: &str, body: &Value) -> anyhow::Result<(Value, Option<String>)> {
        self.json(Method::PUT, url, Some(body)).await
    }

    /// Polls an operation until it ends, calling `meanwhile` between polls.
    pub(crate) async fn wait(&self, operation: &str, mut meanwhile: impl AsyncFnMut()) -> anyhow::Result<()> {
        // Most operations are short: asking early and then less often costs neither side much.
        let mut pause = Duration::from_millis(10);
        loop {
            let body = self.get_json(operation).await?;
            match body["status"].as_str().unwrap_or_default() {
                "Succeeded" => return Ok(()),
                "Failed" | "Canceled" => bail!(describe(&body["error"])),
                _ => meanwhile().await,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// Sends bytes, gets bytes.
    pub(crate) async fn post_bytes(&self, url: &str, body: Bytes) -> anyhow::Result<Bytes> {
        let response = self.send(Method::POST, url, Some((body, "application/octet-stream"))).await?;
        Ok(accepted(response).await?.bytes().await?)
    }

    /// Gets bytes with the headers they came with.
    pub(crate) async fn get_bytes(&self, url: &str) -> anyhow::Result<(reqwest::header::HeaderMap, Bytes)> {
        let mut tries = 0;
        loop {
            let response = accepted(self.send(Method::GET, url, None).await?).await?;
            let headers = response.headers().clone();
            match response.bytes().await {
                Ok(bytes) => return Ok((headers, bytes)),
                Err(error) if tries == 5 => return Err(error.into()),
                Err(_cut) => tries += 1,
            }
        }
    }
}

/// Sends until there is an answer that is not "later", for a bounded time, with growing pauses.
async fn patiently<F>(send: impl Fn() -> F) -> anyhow::Result<reqwest::Response>
where
    F: Future<Output = reqwest::Result<reqwest::Response>>,
{
    let begun = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        let sent = send().await;
        let later = match &sent {
            Ok(response) => {
                matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
            }
            // A certificate that is not trusted will not become so.
            Err(error) => !error.is_builder() && !format!("{error:?}").contains("certificate"),
        };
        if !later || begun.elapsed() > PATIENCE {
            return Ok(sent?);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

async fn accepted(response: reqwest::Response) -> anyhow::Result<reqwest::Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body: Value = response.json().await.unwrap_or(Value::Null);
    let code = body["error"]["code"].as_str().unwrap_or("NoAnswer").to_owned();
    let message = body["error"]["message"]
        .as_str()
        .map_or_else(|| format!("the server answered {status}"), str::to_owned);
    Err(Refused { status, code, message }.into())
}

/// An ARM error and its details as text.
pub(crate) fn describe(error: &Value) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut words = format!("({}) {}", text(error, "code"), text(error, "message"));
    for detail in error["details"].as_array().into_iter().flatten() {
        let target = detail["target"].as_str().map_or_else(String::new, |target| format!("{target}: "));
        words.push_str(&format!("\n  {target}({}) {}", text(detail, "code"), text(detail, "message")));
    }
    words
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
