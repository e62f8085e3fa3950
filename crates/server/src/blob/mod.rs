//! Blob storage over HTTP: `/{account}/{container}/{blob}`, as the clients of Azure Storage speak it (x-ms-version).
//!
//! Whoever is answered here was let in by a key, a signature, or our own token; what cannot be is said in blob storage's
//! XML. Paths are read as they came: a blob's name may hold doubled slashes.

mod address;
mod authorize;
mod block;
mod checksum;
mod containers;
mod errors;
pub(crate) mod granted;
mod headers;
mod list;
mod page;
mod read;
mod shared_key;
mod signature;
mod xml;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, Method};
use providers::Rejection;
use providers::storage::account;
use workers::Error;
use workers::blobs::{self, Account, Blobs};

use self::address::{Address, Query};
use self::authorize::Access;
use self::errors::refuse;
use crate::body::Intake;
use crate::edge::Edge;

/// The bounds of what comes in.
#[derive(Clone)]
pub(crate) struct BlobIntakes {
    /// Pages: at most 4 MiB at once ("Put Page").
    pages: Intake,
    /// Blocks, and block blobs that come in one piece.
    blocks: Intake,
    /// Lists of blocks.
    lists: Intake,
}

impl Default for BlobIntakes {
    fn default() -> Self {
        Self {
            pages: Intake::new(4 << 20, 32),
            blocks: Intake::new(100 << 20, 4),
            lists: Intake::new(8 << 20, 4),
        }
    }
}

/// One request, its caller let in.
struct Call<'a> {
    edge: &'a Edge,
    parts: &'a Parts,
    query: &'a Query,
    address: &'a Address,
    account: &'a Account,
    access: Access,
}

impl Call<'_> {
    fn blobs(&self) -> &Blobs {
        &self.edge.data.blobs
    }

    fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    fn container(&self) -> Result<arm::ResourceId, Error> {
        blobs::container_id(self.account, &self.address.container)
    }

    fn blob(&self) -> &str {
        &self.address.blob
    }
}

/// Answers what is asked of a storage account, and hands everything else on.
pub(crate) async fn dispatch(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let first = path.strip_prefix('/').and_then(|path| path.split('/').next()).unwrap_or_default().to_owned();
    if account::check_name(&first).is_err() {
        return next.run(request).await;
    }
    let speaks_storage = request.headers().contains_key("x-ms-version");
    let (parts, body) = request.into_parts();
    match edge.data.blobs.account(&first).await {
        // What is no account's may be anybody's path, unless the client says what it speaks.
        Err(Error::Refused(_)) if !speaks_storage => next.run(Request::from_parts(parts, body)).await,
        account => answer(&edge, &parts, body, account).await,
    }
}

async fn answer(edge: &Edge, parts: &Parts, body: Body, account: Result<Account, Error>) -> Response {
    let work = async {
        let account = account?;
        let query = Query::of(parts.uri.query().unwrap_or_default())?;
        let address = Address::of(parts.uri.path())?;
        not_offered(&parts.headers, &query)?;
        let access = authorize::check(edge, parts, &query, &address, &account).await?;
        let call = Call { edge, parts, query: &query, address: &address, account: &account, access };
        route(&call, body).await
    };
    let answered = work.await;
    headers::finish(edge, parts, answered.unwrap_or_else(|error| refuse(edge, parts, &error)))
}

/// Refuses what this release has not, before anything is done as if it had.
fn not_offered(headers: &HeaderMap, query: &Query) -> Result<(), Rejection> {
    const HEADERS: [(&str, &str); 4] = [
        ("x-ms-copy-source", "Copying from an address"),
        ("x-ms-encryption-key", "A key of the client's own"),
        ("x-ms-encryption-scope", "An encryption scope"),
        ("x-ms-structured-body", "A structured body"),
    ];
    if let Some((_, what)) = HEADERS.iter().find(|(name, _)| headers.contains_key(*name)) {
        return Err(Rejection::not_implemented(what));
    }
    if ["snapshot", "versionid", "prevsnapshot"].iter().any(|name| query.get(name).is_some()) {
        return Err(Rejection::not_implemented("A blob's snapshot or version"));
    }
    if headers.contains_key("x-ms-lease-id") {
        let message = "There is currently no lease on the blob or container.";
        return Err(Rejection::new(412, "LeaseNotPresentWithBlobOperation", message));
    }
    Ok(())
}

async fn route(call: &Call<'_>, body: Body) -> Result<Response, Error> {
    let comp = call.query.get("comp").unwrap_or_default().to_ascii_lowercase();
    let is_container = call.query.get("restype").is_some_and(|kind| kind.eq_ignore_ascii_case("container"));
    let at = (call.address.container.is_empty(), call.address.blob.is_empty());
    let method = &call.parts.method;
    match (at, method, comp.as_str()) {
        ((true, _), &Method::GET, "list") => list::containers(call).await,
        ((false, true), &Method::GET, "list") => list::blobs(call).await,
        ((false, true), &Method::PUT, "") if is_container => containers::create(call).await,
        ((false, true), &Method::DELETE, "") if is_container => containers::delete(call).await,
        ((false, true), &(Method::GET | Method::HEAD), "" | "metadata") if is_container => {
            containers::properties(call).await
        }
        ((false, false), &Method::GET, "pagelist") => page::list(call).await,
        ((false, false), &Method::GET, "blocklist") => block::list(call).await,
        ((false, false), &Method::GET, "") => read::bytes(call).await,
        ((false, false), &Method::HEAD, "" | "metadata") | ((false, false), &Method::GET, "metadata") => {
            read::properties(call).await
        }
        ((false, false), &Method::PUT, "") => page::put_blob(call, body).await,
        ((false, false), &Method::PUT, "page") => page::put(call, body).await,
        ((false, false), &Method::PUT, "properties") => page::set_properties(call).await,
        ((false, false), &Method::PUT, "metadata") => page::set_metadata(call).await,
        ((false, false), &Method::PUT, "block") => block::put(call, body).await,
        ((false, false), &Method::PUT, "blocklist") => block::commit(call, body).await,
        ((false, false), &Method::DELETE, "") => page::delete(call).await,
        _ => Err(Rejection::not_implemented("This operation of blob storage").into()),
    }
}
