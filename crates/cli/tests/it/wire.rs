//! A client of the ARM plane for tests: signed in as the owner, nothing retried, nothing hidden.

use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::Value;

use crate::server::Server;

/// The api-version of galleries, definitions and versions.
pub(crate) const COMPUTE: &str = "2024-03-03";

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) operation: Option<String>,
    pub(crate) body: Value,
}

/// The owner of one server.
pub(crate) struct Wire {
    http: Client,
    endpoint: String,
    token: String,
    subscription: String,
}

impl Wire {
    /// Signs in.
    pub(crate) async fn sign_in(server: &Server) -> Self {
        let connection = server.connection();
        let trusted = Certificate::from_pem(&std::fs::read(&connection.ca_file).unwrap()).unwrap();
        let http = Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap();
        let endpoint = connection.arm_endpoint.to_string();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.append_pair("client_id", &connection.client_id.to_string());
        form.append_pair("client_secret", connection.client_secret.expose());
        form.append_pair("scope", &format!("{endpoint}/.default"));
        let reply = http
            .post(format!("{endpoint}/{}/oauth2/v2.0/token", connection.tenant_id))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.finish())
            .send();
        let reply: Value = reply.await.unwrap().json().await.unwrap();
        let token = reply["access_token"].as_str().expect("a token").to_owned();
        Self { http, endpoint, token, subscription: connection.subscription_id.to_string() }
    }

    /// The id of the group that tests publish into.
    pub(crate) fn group(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/images", self.subscription)
    }

    /// The id of the definition that tests publish to.
    pub(crate) fn definition(&self) -> String {
        format!("{}/providers/Microsoft.Compute/galleries/shelf/images/linux", self.group())
    }

    /// The id of a version of it.
    pub(crate) fn version(&self, name: &str) -> String {
        format!("{}/versions/{name}", self.definition())
    }

    /// One request; `url` is a path, or whole as an operation's.
    pub(crate) async fn ask(&self, method: Method, url: &str, body: Option<&Value>) -> Answer {
        let url = if url.starts_with('/') { format!("{}{url}", self.endpoint) } else { url.to_owned() };
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let reply = request.send().await.unwrap();
        let operation =
            reply.headers().get("azure-asyncoperation").map(|url| url.to_str().unwrap().to_owned());
        let status = reply.status();
        let text = reply.bytes().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_slice(&text).unwrap() };
        Answer { status, operation, body }
    }

    /// GETs a resource of the compute provider.
    pub(crate) async fn get(&self, id: &str) -> Answer {
        self.ask(Method::GET, &format!("{id}?api-version={COMPUTE}"), None).await
    }

    /// PUTs a resource of the compute provider.
    pub(crate) async fn put(&self, id: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, &format!("{id}?api-version={COMPUTE}"), Some(body)).await
    }

    /// Asks after an operation until it has ended; answers how.
    pub(crate) async fn ended(&self, operation: &str) -> Value {
        loop {
            let body = self.ask(Method::GET, operation, None).await.body;
            if body["status"] != "InProgress" {
                return body;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}
