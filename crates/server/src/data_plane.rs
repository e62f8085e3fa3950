//! Bytes over HTTP: uploads in, versions out. Decided by the same authority, carried by `workers`.
//!
//! Bodies are the binary codings of the `store` crate; errors are ARM's.

use std::sync::Arc;

use arm::{Region, ResourceId};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use control::Reply;
use http::HeaderMap;
use http_body_util::{BodyExt, Limited};
use providers::Rejection;
use serde::Deserialize;
use serde_json::json;
use store::{Digest, Entry};
use workers::{Collector, CommitReply, Downloads, Error, Regions, Uploads, VersionBytes};

use crate::edge::{Edge, body_of, caller, respond};

/// Most bytes of one body: blocks of some dozen MiB, or the list of a very large disk.
const BODY_BYTES: usize = 1 << 30;

/// What the data plane works with.
#[derive(Clone)]
pub(crate) struct DataPlane {
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) downloads: Downloads,
    pub(crate) regions: Regions,
    pub(crate) collector: Arc<Collector>,
    pub(crate) subscriptions: Arc<[String]>,
}

pub(crate) fn router() -> Router<Edge> {
    Router::new()
        .route("/gallerist/wanted/{*id}", post(wanted))
        .route("/gallerist/blocks/{*id}", post(receive).get(blocks))
        .route("/gallerist/commit/{*id}", post(commit))
        .route("/gallerist/entries/{*id}", get(entries))
        .route("/gallerist/verify", get(verify))
}

#[derive(Deserialize)]
struct Place {
    region: Option<String>,
    from: Option<u64>,
    to: Option<u64>,
}

/// Which of the digests in the body (32 bytes each) the client has to send: a byte each, 1 or 0.
async fn wanted(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let work = async {
        let upload = permitted(&edge, &headers, &id, "Gallerist.Images/uploads/write")?;
        let body = read(body).await?;
        if body.len() % 32 != 0 {
            return Err(malformed("the body is no list of digests of 32 bytes").into());
        }
        let digests: Vec<Digest> =
            body.chunks_exact(32).filter_map(|bytes| bytes.try_into().ok().map(Digest::from_bytes)).collect();
        let wanted = edge.data.uploads.wanted(&upload, &digests).await?;
        Ok(wanted.into_iter().map(u8::from).collect::<Vec<u8>>())
    };
    binary(&edge, work.await)
}

/// Takes blocks.
async fn receive(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let work = async {
        let upload = permitted(&edge, &headers, &id, "Gallerist.Images/uploads/write")?;
        edge.data.uploads.receive(&upload, read(body).await?).await?;
        Ok(json!({}))
    };
    document(&edge, work.await)
}

/// Ends an upload with the list of its entries.
async fn commit(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let work = async {
        let upload = permitted(&edge, &headers, &id, "Gallerist.Images/uploads/write")?;
        let body = read(body).await?;
        let entries = Entry::read_all(&body).map_err(|error| malformed(&error.to_string()))?;
        Ok(match edge.data.uploads.commit(&upload, entries).await? {
            CommitReply::Committed { digest, logical_bytes, new_bytes, stored_bytes } => json!({
                "state": "Committed", "digest": digest.to_string(), "logicalBytes": logical_bytes,
                "newBytes": new_bytes, "storedBytes": stored_bytes,
            }),
            CommitReply::Missing(digests) => {
                json!({"state": "Missing", "missing": digests.iter().map(ToString::to_string).collect::<Vec<_>>()})
            }
        })
    };
    document(&edge, work.await)
}

/// The chunks and holes of a version; headers say which version, its digest and its size.
async fn entries(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    Query(place): Query<Place>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let version = version(&edge, &headers, &id, &place).await?;
        let listed = edge.data.downloads.entries(&version).await?;
        Ok((version, listed))
    };
    match work.await {
        Ok((version, listed)) => {
            let reply = Reply::empty(200)
                .with("content-type", "application/octet-stream")
                .with("x-gallerist-version", version.id.to_string())
                .with("x-gallerist-region", version.region.to_string())
                .with("x-gallerist-digest", version.root.to_string())
                .with("x-gallerist-size-bytes", version.size_bytes.to_string());
            with_bytes(&edge, &reply, listed)
        }
        Err(error) => refuse(&edge, &error),
    }
}

/// The blocks of a range of a version.
async fn blocks(
    State(edge): State<Edge>,
    Path(id): Path<String>,
    Query(place): Query<Place>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        let version = version(&edge, &headers, &id, &place).await?;
        let (from, to) = (place.from.unwrap_or(0), place.to.unwrap_or(u64::MAX));
        if to.saturating_sub(from) > 256 << 20 {
            return Err(malformed("at most 256 MiB may be asked for at once (from, to)").into());
        }
        edge.data.downloads.blocks(&version, from, to).await
    };
    binary(&edge, work.await)
}

/// Reads everything and lists what should not be.
async fn verify(State(edge): State<Edge>, headers: HeaderMap) -> Response {
    let work = async {
        let principal = caller(&edge.identity, &headers)?;
        for subscription in edge.data.subscriptions.iter() {
            let scope = ResourceId::subscription_scope(subscription)
                .map_err(|error| malformed(&error.to_string()))?;
            edge.engine.authority().check(&principal, "Gallerist.Images/verify/action", &scope)?;
        }
        let data = &edge.data;
        // What is still left over after a collection is left over for good.
        if let Err(error) = data.collector.collect().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "verifying without a collection before");
        }
        let found = workers::verify(
            edge.engine.metadata().as_ref(),
            &data.regions,
            &data.subscriptions,
            &|_, _, _| {},
        )
        .await?;
        serde_json::to_value(found).map_err(|error| Error::Document(error.to_string()))
    };
    document(&edge, work.await)
}

fn permitted(edge: &Edge, headers: &HeaderMap, id: &str, action: &str) -> Result<ResourceId, Error> {
    let principal = caller(&edge.identity, headers)?;
    let id: ResourceId =
        format!("/{id}").parse().map_err(|error: arm::ResourceIdError| malformed(&error.to_string()))?;
    edge.engine.authority().check(&principal, action, &id)?;
    Ok(id)
}

async fn version(edge: &Edge, headers: &HeaderMap, id: &str, place: &Place) -> Result<VersionBytes, Error> {
    let id = permitted(edge, headers, id, "Microsoft.Compute/galleries/images/versions/read")?;
    let region = place.region.as_deref().map(str::parse::<Region>).transpose();
    let region = region.map_err(|error| Rejection::invalid("region", error.to_string()))?;
    edge.data.downloads.find(&id, region.as_ref()).await
}

async fn read(body: Body) -> Result<Bytes, Error> {
    let collected = Limited::new(body, BODY_BYTES).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|_error| malformed("the body ended early or is too large").into())
}

fn malformed(words: &str) -> Rejection {
    Rejection::new(400, "InvalidRequestContent", format!("The request is malformed: {words}."))
}

fn binary(edge: &Edge, work: Result<Vec<u8>, Error>) -> Response {
    match work {
        Ok(bytes) => {
            with_bytes(edge, &Reply::empty(200).with("content-type", "application/octet-stream"), bytes)
        }
        Err(error) => refuse(edge, &error),
    }
}

fn document(edge: &Edge, work: Result<serde_json::Value, Error>) -> Response {
    match work {
        Ok(body) => respond(&Reply::json(200, body), &edge.ids.uuid().to_string(), None, edge.ids.as_ref()),
        Err(error) => refuse(edge, &error),
    }
}

fn with_bytes(edge: &Edge, reply: &Reply, bytes: Vec<u8>) -> Response {
    let mut response = respond(reply, &edge.ids.uuid().to_string(), None, edge.ids.as_ref());
    *response.body_mut() = Body::from(bytes);
    response
}

fn refuse(edge: &Edge, error: &Error) -> Response {
    let correlation_id = edge.ids.uuid().to_string();
    let rejection = match error {
        Error::Refused(rejection) => rejection.clone(),
        Error::Store(store::Error::Unavailable { region, .. }) => Rejection::new(
            503,
            "ServerBusy",
            format!(
                "The storage of region {region} is not available now. Try again later, or name another region."
            ),
        ),
        Error::Store(store::Error::Corrupt { .. } | store::Error::Missing { .. }) => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                correlation.id = correlation_id,
                "bytes are lost or damaged"
            );
            Rejection::new(
                500,
                "ImageDamaged",
                "Stored bytes of the image are damaged in this region. Name another region; run gallerist verify.",
            )
        }
        error => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                correlation.id = correlation_id,
                "request failed"
            );
            Rejection::new(
                500,
                "InternalServerError",
                format!(
                    "An internal error occurred. Quote the correlation id '{correlation_id}' to the operator."
                ),
            )
        }
    };
    let mut reply = Reply::json(rejection.status, body_of(rejection.detail));
    if reply.status == 401 {
        reply = reply.with("www-authenticate", "Bearer");
    }
    if reply.status == 503 {
        reply = reply.with("retry-after", "5");
    }
    respond(&reply, &correlation_id, None, edge.ids.as_ref())
}
