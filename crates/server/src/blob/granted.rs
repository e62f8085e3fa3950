//! `/gallerist/sas/{disk}/{grant}.vhd`: a disk under a grant, read or written as a page blob by whoever has the address.
//!
//! Each request is checked against the grant that stands, and a write again before it is acknowledged: what was
//! acknowledged is what the end of the grant takes in.

use arm::ResourceId;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};
use providers::Rejection;
use providers::storage::blob::decoded;
use workers::blobs::{Blob, BlobKind, Purpose};
use workers::{Content, Error, Granted, OpenContent};

use super::address::Query;
use super::errors::refuse;
use super::headers::{self, conditions, describe, empty, finish, number, set, text, written};
use super::{not_offered, page, read, signature};
use crate::edge::Edge;

const PREFIX: &str = "/gallerist/sas";

/// Answers a request to the address of a grant.
pub(crate) async fn answer(State(edge): State<Edge>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answered = work(&edge, &parts, body).await;
    finish(&edge, &parts, answered.unwrap_or_else(|error| refuse(&edge, &parts, &error)))
}

/// What an address names.
struct Named {
    id: ResourceId,
    grant: String,
}

impl Named {
    fn of(path: &str) -> Option<Self> {
        let path = decoded(path.strip_prefix(PREFIX)?)?;
        let (id, file) = path.rsplit_once('/')?;
        Some(Self { id: id.parse().ok()?, grant: file.strip_suffix(".vhd")?.to_owned() })
    }
}

async fn find(edge: &Edge, named: &Named, query: &Query) -> Result<Granted, Error> {
    let word = |name: &str| query.get(name).unwrap_or_default();
    edge.data.grants.find(&named.id, &named.grant, word("sp"), word("se"), word("sig")).await
}

async fn work(edge: &Edge, parts: &Parts, body: Body) -> Result<Response, Error> {
    let query = Query::of(parts.uri.query().unwrap_or_default())?;
    let named = Named::of(parts.uri.path()).ok_or_else(|| signature::failed("the address names no disk"))?;
    let granted = find(edge, &named, &query).await?;
    not_offered(&parts.headers, &query)?;
    let (blob, open) = edge.data.blobs.granted(&granted, &named.grant).await?;
    let comp = query.get("comp").unwrap_or_default().to_ascii_lowercase();
    match (&parts.method, comp.as_str()) {
        (&Method::HEAD, "") => properties(parts, &blob),
        (&Method::GET, "") => bytes(parts, &blob, open).await,
        (&Method::GET, "pagelist") => pages(parts, &query, &blob, open).await,
        (&Method::PUT, "" | "page") if !granted.may_write => Err(signature::mismatch().into()),
        (&Method::PUT, "") => made(parts, &blob),
        (&Method::PUT, "page") => {
            let Content::Staged(file) = granted.content else { return Err(signature::mismatch().into()) };
            conditions(&parts.headers)?.check(Some(&blob), Purpose::Write)?;
            let intake = &edge.data.blob_intakes.pages;
            let (range, bytes, _place) = page::read_pages(&parts.headers, body, intake).await?;
            let touched = edge.data.blobs.write_granted(file, range, bytes).await?;
            find(edge, &named, &query).await?;
            Ok(written(StatusCode::CREATED, &touched, BlobKind::Page))
        }
        _ => Err(Rejection::not_implemented("This operation on a disk").into()),
    }
}

fn properties(parts: &Parts, blob: &Blob) -> Result<Response, Error> {
    conditions(&parts.headers)?.check(Some(blob), Purpose::Read)?;
    let mut response = empty(StatusCode::OK);
    describe(&mut response, blob);
    set(&mut response, "content-length", &blob.size_bytes.to_string());
    Ok(response)
}

async fn bytes(parts: &Parts, blob: &Blob, open: OpenContent) -> Result<Response, Error> {
    conditions(&parts.headers)?.check(Some(blob), Purpose::Read)?;
    let mut response = read::answer(&parts.headers, open).await?;
    describe(&mut response, blob);
    Ok(response)
}

async fn pages(parts: &Parts, query: &Query, blob: &Blob, open: OpenContent) -> Result<Response, Error> {
    conditions(&parts.headers)?.check(Some(blob), Purpose::Read)?;
    page::list_of(&parts.headers, query, blob, open).await
}

/// Put Blob: the disk is there already, so only the size can be right or wrong, and nothing is done.
fn made(parts: &Parts, blob: &Blob) -> Result<Response, Error> {
    if text(&parts.headers, "x-ms-blob-type")? != Some("PageBlob") {
        let message =
            "A disk is written as a page blob. Upload it with the blob type 'PageBlob' (az: --type page).";
        return Err(Rejection::conflict("InvalidBlobType", message).into());
    }
    let size = number(&parts.headers, "x-ms-blob-content-length")?;
    if size != Some(blob.size_bytes) {
        let message = format!(
            "The disk was created for an upload of {} bytes, footer included; this blob has {}. Create the disk with the size of the VHD.",
            blob.size_bytes,
            size.unwrap_or_default()
        );
        return Err(Rejection::new(400, "InvalidHeaderValue", message).into());
    }
    let mut response = empty(StatusCode::CREATED);
    describe(&mut response, blob);
    headers::without_content(&mut response);
    Ok(response)
}
