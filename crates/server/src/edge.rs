//! HTTP in and out: from a request to the engine, and from its reply to headers and JSON.

use std::sync::Arc;

use arm::ErrorDetail;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use control::{Engine, Ids, Reply, Request};
use http::header::{CONTENT_TYPE, HOST, IF_MATCH, IF_NONE_MATCH, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use providers::Rejection;
use tower::ServiceExt;
use uuid::Uuid;

use crate::cloud::Endpoint;
use crate::identity::{self, Identity};
use crate::{blob, body, data_plane};

/// What every request may use.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) engine: Arc<Engine>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) data: data_plane::DataPlane,
    /// Host names under which links may point back here.
    pub(crate) names: Arc<[String]>,
}

/// All routes: storage accounts, sign-in documents, the data plane, and everything else to the engine.
pub(crate) fn router(edge: Edge) -> Router {
    let blobs = edge.clone();
    let sign_in = identity::router(edge.identity.clone());
    let routes = data_plane::router().route("/aliases.json", get(aliases));
    let routes = routes.fallback(arm_request).with_state(edge).merge(sign_in);
    // A router's own layers come after its routing, and this has to come before.
    Router::new()
        .fallback_service(routes.map_request(fold_slashes))
        .layer(axum::middleware::from_fn_with_state(blobs, blob::dispatch))
}

/// The short names of images: clients read them before they sign in.
async fn aliases(State(edge): State<Edge>, headers: HeaderMap) -> Response {
    let echo = Echo::of(&headers, edge.ids.as_ref());
    let reply = match edge.engine.image_aliases().await {
        Ok(document) => Reply::json(200, document),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the aliases cannot be read");
            let message = "The aliases cannot be read just now; see the server's log.";
            Reply::json(500, body_of(ErrorDetail::new("InternalServerError", message)))
        }
    };
    answer(&edge, &headers, &echo, reply)
}

/// Doubled slashes name nothing: clients that join addresses send them everywhere.
fn fold_slashes(mut request: axum::extract::Request) -> axum::extract::Request {
    let path = request.uri().path();
    if !path.contains("//") {
        return request;
    }
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
    let end = if path.ends_with('/') && !words.is_empty() { "/" } else { "" };
    let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = format!("/{}{end}{query}", words.join("/")).parse().ok();
    if let Ok(folded) = Uri::from_parts(parts) {
        *request.uri_mut() = folded;
    }
    request
}

async fn arm_request(State(edge): State<Edge>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let echo = Echo::of(&parts.headers, edge.ids.as_ref());
    let reply = match method(&parts.method) {
        None => not_allowed(),
        Some(method) => match read_one(&parts.headers, body).await {
            Err(rejection) => Reply::json(rejection.status, body_of(rejection.detail)),
            Ok(body) => {
                let asked = Request {
                    method,
                    path: parts.uri.path().to_owned(),
                    query: parts.uri.query().unwrap_or_default().to_owned(),
                    body,
                    content_type: texts(&parts.headers, &CONTENT_TYPE).into_iter().next(),
                    if_match: texts(&parts.headers, &IF_MATCH),
                    if_none_match: texts(&parts.headers, &IF_NONE_MATCH),
                    caller: caller(&edge.identity, &parts.headers),
                    correlation_id: echo.correlation_id.clone(),
                    base: base(
                        &edge,
                        &parts.headers,
                        parts.uri.authority().map(http::uri::Authority::as_str),
                    ),
                };
                edge.engine.handle(&asked).await
            }
        },
    };
    answer(&edge, &parts.headers, &echo, reply)
}

async fn read_one(headers: &HeaderMap, body: Body) -> Result<bytes::Bytes, Rejection> {
    one_host(headers)?;
    body::read(body, Engine::BODY_BYTES).await
}

/// RFC 9112, section 3.2: two hosts are two readings of one request.
pub(crate) fn one_host(headers: &HeaderMap) -> Result<(), Rejection> {
    if headers.get_all(HOST).iter().count() > 1 {
        let message = "The request has more than one Host header.";
        return Err(Rejection::new(400, "InvalidRequestContent", message));
    }
    Ok(())
}

/// The answer to a verb that is not for this path.
pub(crate) fn not_allowed() -> Reply {
    let message = "The requested resource does not support this HTTP method.";
    Reply::json(405, body_of(ErrorDetail::new("MethodNotAllowed", message)))
}

/// What an answer repeats of its request.
#[derive(Clone, Debug)]
pub(crate) struct Echo {
    pub(crate) correlation_id: String,
    client_id: Option<String>,
}

impl Echo {
    pub(crate) fn of(headers: &HeaderMap, ids: &dyn Ids) -> Self {
        Self { correlation_id: correlation_id(headers, ids), client_id: returned_client_id(headers) }
    }
}

/// A reply as every answer is, with the challenge that a 401 needs.
pub(crate) fn answer(edge: &Edge, headers: &HeaderMap, echo: &Echo, mut reply: Reply) -> Response {
    if reply.status == 401
        && let Err(error) = edge.identity.authenticate(headers)
    {
        reply = reply.with("www-authenticate", edge.identity.challenge(&error));
    }
    respond(&reply, echo, edge.ids.as_ref())
}

/// Who calls, in the engine's terms.
pub(crate) fn caller(identity: &Identity, headers: &HeaderMap) -> Result<control::Principal, Rejection> {
    match identity.authenticate(headers) {
        Ok(principal) => Ok(control::Principal {
            object_id: principal.object_id.to_string(),
            tenant_id: principal.tenant_id.to_string(),
            name: principal.name,
        }),
        Err(error) => Err(Rejection::new(401, error.code(), error.to_string())),
    }
}

fn method(method: &http::Method) -> Option<control::Method> {
    match method.as_str() {
        "GET" => Some(control::Method::Get),
        "HEAD" => Some(control::Method::Head),
        "PUT" => Some(control::Method::Put),
        "PATCH" => Some(control::Method::Patch),
        "DELETE" => Some(control::Method::Delete),
        "POST" => Some(control::Method::Post),
        _ => None,
    }
}

fn texts(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// The client's correlation id when it sent exactly one and that is a GUID, else a fresh one.
fn correlation_id(headers: &HeaderMap, ids: &dyn Ids) -> String {
    let mut values = headers.get_all("x-ms-correlation-request-id").iter();
    let sent = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|text| text.parse::<Uuid>().ok());
    sent.unwrap_or_else(|| ids.uuid()).to_string()
}

/// The client's request id, if it asked to have it back.
fn returned_client_id(headers: &HeaderMap) -> Option<String> {
    let wanted = headers.get("x-ms-return-client-request-id")?.to_str().ok()?;
    let id = headers.get("x-ms-client-request-id")?.to_str().ok()?;
    (wanted.eq_ignore_ascii_case("true") && id.len() <= 128).then(|| id.to_owned())
}

/// `https://host:port` as the client wrote it, if that is a name of ours; else our own.
pub(crate) fn base(edge: &Edge, headers: &HeaderMap, authority: Option<&str>) -> String {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).or(authority);
    let endpoint = host.and_then(|host| format!("https://{host}").parse::<Endpoint>().ok());
    let known = endpoint.filter(|endpoint| {
        let host = endpoint.as_str().trim_start_matches("https://");
        let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
        edge.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    });
    known.map_or_else(|| edge.identity.endpoint().to_string(), |endpoint| endpoint.to_string())
}

pub(crate) fn body_of(detail: ErrorDetail) -> serde_json::Value {
    serde_json::to_value(detail.into_body()).unwrap_or_default()
}

/// A reply with the headers that every answer of Azure Resource Manager carries (azure-api 1.3).
fn respond(reply: &Reply, echo: &Echo, ids: &dyn Ids) -> Response {
    let body = reply.body.as_ref().map(|body| serde_json::to_vec(body).unwrap_or_default());
    let mut response = Response::new(body.map_or_else(Body::empty, Body::from));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    };
    set("cache-control", "no-cache");
    set("pragma", "no-cache");
    set("expires", "-1");
    set("x-content-type-options", "nosniff");
    set("strict-transport-security", "max-age=31536000; includeSubDomains");
    set("x-ms-request-id", &ids.uuid().to_string());
    set("x-ms-correlation-request-id", &echo.correlation_id);
    if let Some(id) = &echo.client_id {
        set("x-ms-client-request-id", id);
    }
    if reply.body.is_some() {
        set("content-type", "application/json; charset=utf-8");
    }
    for (name, value) in &reply.headers {
        set(name, value);
    }
    debug_assert!(reply.status != 401 || headers.contains_key(WWW_AUTHENTICATE), "a 401 without a challenge");
    response
}
