//! Who may: a key of the account, a signature made with one, our own token, or, where a container is open, everybody.

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};
use providers::Rejection;
use workers::Error;
use workers::blobs::{self, Account};

use super::address::{Address, Query};
use super::{shared_key, signature};
use crate::edge::{Edge, caller};

/// What a request does, as signatures and rights name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// Reads a blob.
    Read,
    /// Writes a blob, or makes it where none is.
    Write,
    /// Writes a blob that is there.
    Change,
    /// Deletes a blob.
    Delete,
    /// Lists blobs or containers.
    List,
    /// Reads a container.
    ReadContainer,
    /// Makes a container.
    WriteContainer,
    /// Deletes a container.
    DeleteContainer,
}

/// What a caller who was let in may do beyond being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// Whether what stands may be replaced; otherwise only made where nothing is.
    pub(super) may_replace: bool,
}

/// Everything.
const WHOLE: Access = Access { may_replace: true };

/// Lets a request in or says why not.
pub(super) async fn check(
    edge: &Edge,
    parts: &Parts,
    query: &Query,
    address: &Address,
    account: &Account,
) -> Result<Access, Error> {
    let doing = doing(&parts.method, query, address);
    let now = edge.data.blobs.now();
    if query.get("sig").is_some() {
        keys_are_allowed(account)?;
        return Ok(signature::check(query, address, account, doing, now)?);
    }
    let scheme = authorization(&parts.headers)?;
    match scheme {
        Some(("SharedKey", credentials)) => {
            keys_are_allowed(account)?;
            shared_key::check(parts, query, address, account, credentials, now)?;
            Ok(WHOLE)
        }
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") => {
            let principal = caller(&edge.identity, &parts.headers).map_err(|refusal| {
                Rejection::new(401, "InvalidAuthenticationInfo", refusal.detail.message)
            })?;
            let scope = scope(account, address)?;
            let denied = |_refused| signature::mismatch();
            edge.engine.authority().check(&principal, right(doing), &scope).map_err(denied)?;
            Ok(WHOLE)
        }
        Some(_) => Err(signature::failed("the scheme is none of SharedKey and Bearer").into()),
        None => open_to_everybody(edge, account, address, doing).await,
    }
}

fn authorization(headers: &HeaderMap) -> Result<Option<(&str, &str)>, Rejection> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let malformed = || {
        let message = "The value for the Authorization header is not in the correct format. Refer to the specification for the correct format.";
        Rejection::new(400, "InvalidAuthenticationInfo", message)
    };
    let text = value.to_str().map_err(|_not_text| malformed())?;
    let split = text.split_once(' ').filter(|_| values.next().is_none());
    split.map(Some).ok_or_else(malformed)
}

fn keys_are_allowed(account: &Account) -> Result<(), Rejection> {
    if account.allows_keys {
        return Ok(());
    }
    let message = "Key based authentication is not permitted on this storage account.";
    Err(Rejection::new(403, "KeyBasedAuthenticationNotPermitted", message))
}

fn doing(method: &Method, query: &Query, address: &Address) -> Doing {
    let comp = query.get("comp").unwrap_or_default().to_ascii_lowercase();
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    match (address.blob.is_empty(), comp.as_str()) {
        (true, "list") => Doing::List,
        (true, _) if is_read => Doing::ReadContainer,
        (true, _) if *method == Method::DELETE => Doing::DeleteContainer,
        (true, _) => Doing::WriteContainer,
        (false, _) if is_read => Doing::Read,
        (false, _) if *method == Method::DELETE => Doing::Delete,
        (false, "" | "block" | "blocklist") => Doing::Write,
        (false, _) => Doing::Change,
    }
}

/// The data action that a role must have.
fn right(doing: Doing) -> &'static str {
    match doing {
        Doing::Read | Doing::List => "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
        Doing::Write | Doing::Change => {
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"
        }
        Doing::Delete => "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
        Doing::ReadContainer => "Microsoft.Storage/storageAccounts/blobServices/containers/read",
        Doing::WriteContainer => "Microsoft.Storage/storageAccounts/blobServices/containers/write",
        Doing::DeleteContainer => "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
    }
}

fn scope(account: &Account, address: &Address) -> Result<arm::ResourceId, Error> {
    if address.container.is_empty() {
        return Ok(account.id.clone());
    }
    blobs::container_id(account, &address.container)
}

async fn open_to_everybody(
    edge: &Edge,
    account: &Account,
    address: &Address,
    doing: Doing,
) -> Result<Access, Error> {
    let nobody = || {
        let message = "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.";
        Rejection::new(401, "NoAuthenticationInformation", message)
    };
    if !account.allows_public || address.container.is_empty() {
        return Err(nobody().into());
    }
    let container = scope(account, address)?;
    let word = edge.data.blobs.container(&container).await.map(|found| found.public_access);
    // Whether a closed container is there is nobody's business.
    let word = word.map_err(|_absent| nobody())?;
    match (word.as_str(), doing) {
        ("Container", Doing::Read | Doing::List | Doing::ReadContainer) | ("Blob", Doing::Read) => {
            Ok(Access { may_replace: false })
        }
        _ => Err(nobody().into()),
    }
}
