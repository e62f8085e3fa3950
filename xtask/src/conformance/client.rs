//! A client of the wire for the runs: nothing retried, nothing hidden, operations polled to their end.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::{Certificate, Method};
use serde_json::Value;

/// A server and who asks.
#[derive(Clone)]
pub struct Target {
    /// `https://host:port`.
    pub endpoint: String,
    /// The certificate to trust, PEM.
    pub certificate: Vec<u8>,
    /// A bearer token of someone who may do everything.
    pub token: String,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Asks one server.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: String,
    token: String,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Whether it says that its body is JSON.
    pub(crate) is_json: bool,
    /// `None` for an empty body; text that is no JSON is a string here.
    pub(crate) body: Option<Value>,
    operation: Option<String>,
    location: Option<String>,
}

/// Between two looks at an operation.
const PAUSE: Duration = Duration::from_millis(50);
/// Looks at one operation before it is given up.
const MOST_POLLS: u32 = 1200;

impl Target {
    /// Signs in as the owner, with what a server leaves for clients on its machine.
    ///
    /// # Errors
    /// When the file or the server is not there, or the server refuses.
    pub async fn sign_in(connection: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read(connection).with_context(|| format!("could not read {}", connection.display()))?;
        let connection: Value = serde_json::from_slice(&text)?;
        let word = |name: &str| connection[name].as_str().unwrap_or_default().to_owned();
        let endpoint = word("armEndpoint");
        let certificate = fs::read(word("caFile")).context("could not read the server's certificate")?;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &word("clientId"))
            .append_pair("client_secret", &word("clientSecret"))
            .append_pair("scope", &format!("{endpoint}/.default"));
        let reply = http(&certificate)?
            .post(format!("{endpoint}/{}/oauth2/v2.0/token", word("tenantId")))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish())
            .send();
        let reply: Value = reply.await?.json().await?;
        let token = reply["access_token"].as_str().context("the server refused the sign-in")?.to_owned();
        Ok(Self { endpoint, certificate, token })
    }
}

fn http(certificate: &[u8]) -> anyhow::Result<reqwest::Client> {
    let trusted = Certificate::from_pem(certificate).context("the certificate cannot be read")?;
    Ok(reqwest::Client::builder().tls_certs_only([trusted]).no_proxy().build()?)
}

impl Client {
    pub(crate) fn new(target: &Target) -> anyhow::Result<Self> {
        let Target { endpoint, certificate, token } = target;
        Ok(Self { http: http(certificate)?, endpoint: endpoint.clone(), token: token.trim().to_owned() })
    }

    /// The first subscription that the caller sees.
    pub(crate) async fn subscription(&self) -> anyhow::Result<String> {
        let reply = self.send("GET", "/subscriptions?api-version=2022-12-01", None).await?;
        let body = reply.body.unwrap_or_default();
        Ok(body["value"][0]["subscriptionId"].as_str().context("there is no subscription")?.to_owned())
    }

    /// Sends one request; `place` is a path with its query, or an absolute address of this server.
    pub(crate) async fn send(
        &self,
        method: &str,
        place: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Reply> {
        let address = match place.starts_with('/') {
            true => format!("{}{place}", self.endpoint),
            false => place.to_owned(),
        };
        // The token is for this server alone.
        let is_its_own = address.strip_prefix(&self.endpoint).is_some_and(|rest| rest.starts_with('/'));
        ensure!(is_its_own, "the server leads elsewhere: {address}");
        let method: Method = method.parse()?;
        let mut request = self.http.request(method.clone(), address).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        } else if method == Method::POST {
            request = request.header("content-length", "0");
        }
        let response = request.send().await.context("the server does not answer")?;
        let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let is_json = header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let (operation, location) = (header("azure-asyncoperation"), header("location"));
        let status = response.status().as_u16();
        let text = response.text().await?;
        let parsed = (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap_or(Value::String(text)));
        Ok(Reply { status, is_json, body: parsed, operation, location })
    }

    /// Follows an accepted request to its end; answers what it came to, for a POST or a DELETE.
    ///
    /// The inner error is the operation's.
    pub(crate) async fn settled(&self, reply: &Reply) -> anyhow::Result<Result<Option<Value>, String>> {
        if let Some(operation) = &reply.operation {
            for _ in 0..MOST_POLLS {
                let poll = self.send("GET", operation, None).await?;
                let body = poll.body.unwrap_or_default();
                match body["status"].as_str() {
                    Some("Succeeded") => return self.outcome(reply).await,
                    Some("Failed" | "Canceled") => return Ok(Err(body["error"].to_string())),
                    Some(_) => tokio::time::sleep(PAUSE).await,
                    None => return Ok(Err(format!("a poll answered {} without a status", poll.status))),
                }
            }
            return Ok(Err("the operation does not end".to_owned()));
        }
        self.outcome(reply).await
    }

    async fn outcome(&self, reply: &Reply) -> anyhow::Result<Result<Option<Value>, String>> {
        let Some(location) = &reply.location else { return Ok(Ok(None)) };
        for _ in 0..MOST_POLLS {
            let poll = self.send("GET", location, None).await?;
            match poll.status {
                202 => tokio::time::sleep(PAUSE).await,
                200 | 204 => return Ok(Ok(poll.body)),
                status => return Ok(Err(format!("the outcome answers {status}"))),
            }
        }
        Ok(Err("the outcome does not come".to_owned()))
    }
}

impl Reply {
    /// The code of a whole ARM error, if this is one.
    pub(crate) fn error_code(&self) -> Option<&str> {
        let error = self.body.as_ref()?.get("error")?;
        let said = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        said("message").filter(|_| self.is_json && self.status >= 400)?;
        said("code")
    }

    /// One line of what was answered, for people.
    pub(crate) fn brief(&self) -> String {
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        let shown: String = body.chars().take(300).collect();
        format!("{} {shown}", self.status)
    }
}
