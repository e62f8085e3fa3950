//! One request to the data plane: who asks, for what, and how it is answered.
//!
//! Taking a request apart never fails by itself, so that every refusal is answered in the same shape.

use std::convert::Infallible;

use arm::{Region, ResourceId};
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query};
use axum::response::Response;
use control::Reply;
use http::HeaderMap;
use http::request::Parts;
use providers::Rejection;
use serde::Deserialize;
use workers::{Error, VersionBytes};

use crate::edge::{Echo, Edge, answer, body_of, caller, one_host};

/// A request without its body.
pub(super) struct Call {
    edge: Edge,
    headers: HeaderMap,
    echo: Echo,
    id: Result<String, Rejection>,
    query: Result<Place, Rejection>,
}

/// Which part of a version, and where it is read.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Place {
    pub(super) region: Option<String>,
    pub(super) lun: Option<i64>,
    pub(super) from: Option<u64>,
    pub(super) to: Option<u64>,
}

impl FromRequestParts<Edge> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Infallible> {
        let id = Path::<String>::from_request_parts(parts, edge).await;
        let query = Query::<Place>::from_request_parts(parts, edge).await;
        Ok(Self {
            headers: parts.headers.clone(),
            echo: Echo::of(&parts.headers, edge.ids.as_ref()),
            id: id.map(|Path(id)| id).map_err(|error| malformed(&error.body_text())),
            query: query.map(|Query(place)| place).map_err(|error| malformed(&error.body_text())),
            edge: edge.clone(),
        })
    }
}

impl Call {
    pub(super) const fn edge(&self) -> &Edge {
        &self.edge
    }

    pub(super) fn caller(&self) -> Result<control::Principal, Error> {
        one_host(&self.headers)?;
        Ok(caller(&self.edge.identity, &self.headers)?)
    }

    /// The resource in the path, when the caller may do `action` to it and it is of the type `kind`.
    pub(super) fn permitted(&self, action: &str, kind: &str) -> Result<ResourceId, Error> {
        let principal = self.caller()?;
        let id = format!("/{}", self.id.clone()?);
        let id: ResourceId =
            id.parse().map_err(|error: arm::ResourceIdError| malformed(&error.to_string()))?;
        self.edge.engine.authority().check(&principal, action, &id)?;
        if !id.type_name().is(kind) {
            let message = format!("The resource '{id}' is not of the type {kind}.");
            return Err(Rejection::new(404, "ResourceNotFound", message).into());
        }
        Ok(id)
    }

    /// The version in the path that the caller may read, and the part that is asked for.
    pub(super) async fn version(&self) -> Result<(VersionBytes, Place), Error> {
        let kind = "Microsoft.Compute/galleries/images/versions";
        let id = self.permitted("Microsoft.Compute/galleries/images/versions/read", kind)?;
        let place = self.query.clone()?;
        let region = place.region.as_deref().map(str::parse::<Region>).transpose();
        let region = region.map_err(|error| Rejection::invalid("region", error.to_string()))?;
        Ok((self.edge.data.downloads.find(&id, region.as_ref(), place.lun).await?, place))
    }

    pub(super) fn answer(&self, reply: Reply) -> Response {
        answer(&self.edge, &self.headers, &self.echo, reply)
    }

    pub(super) fn binary(&self, work: Result<Vec<u8>, Error>) -> Response {
        self.bytes(work.map(|bytes| (Reply::empty(200), bytes)))
    }

    pub(super) fn bytes(&self, work: Result<(Reply, Vec<u8>), Error>) -> Response {
        match work {
            Ok((reply, bytes)) => {
                let mut response = self.answer(reply.with("content-type", "application/octet-stream"));
                *response.body_mut() = Body::from(bytes);
                response
            }
            Err(error) => self.refuse(&error),
        }
    }

    pub(super) fn document(&self, work: Result<serde_json::Value, Error>) -> Response {
        match work {
            Ok(body) => self.answer(Reply::json(200, body)),
            Err(error) => self.refuse(&error),
        }
    }

    fn refuse(&self, error: &Error) -> Response {
        let rejection = self.rejection(error);
        let mut reply = Reply::json(rejection.status, body_of(rejection.detail));
        if reply.status == 503 {
            reply = reply.with("retry-after", "5");
        }
        self.answer(reply)
    }

    fn rejection(&self, error: &Error) -> Rejection {
        let correlation_id = &self.echo.correlation_id;
        let cause = error as &dyn std::error::Error;
        match error {
            Error::Refused(rejection) => rejection.clone(),
            Error::Store(store::Error::Unavailable { region, .. }) => Rejection::new(
                503,
                "ServerBusy",
                format!(
                    "The storage of region {region} is not available now. Try again later, or name another region."
                ),
            ),
            Error::Store(store::Error::Corrupt { .. } | store::Error::Missing { .. }) => {
                tracing::error!(error = cause, correlation.id = correlation_id, "bytes are lost or damaged");
                Rejection::new(
                    500,
                    "ImageDamaged",
                    "Stored bytes of the image are damaged in this region. Name another region; run gallerist verify.",
                )
            }
            _ => {
                tracing::error!(error = cause, correlation.id = correlation_id, "request failed");
                Rejection::new(
                    500,
                    "InternalServerError",
                    format!(
                        "An internal error occurred. Quote the correlation id '{correlation_id}' to the operator."
                    ),
                )
            }
        }
    }
}

pub(super) fn malformed(words: &str) -> Rejection {
    Rejection::new(400, "InvalidRequestContent", format!("The request is malformed: {words}."))
}
