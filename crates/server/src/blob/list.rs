//! Lists of containers and blobs, page by page.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use providers::Rejection;
use workers::Error;
use workers::blobs::{Blob, BlobKind, Listed, Wanted};

use super::Call;
use super::headers::{date_text, set};
use super::xml::{HEAD, element, escaped};
use crate::edge;

/// Most items of a page.
const MOST: usize = 5000;

/// List Containers.
pub(super) async fn containers(call: &Call<'_>) -> Result<Response, Error> {
    let (limit, from) = (limit(call)?, marker(call)?);
    let prefix = call.query.get("prefix").unwrap_or_default();
    let page = call.blobs().containers(call.account, prefix, from.as_deref(), limit).await?;
    let with_metadata = includes(call, "metadata");
    let mut items = String::new();
    for found in &page.items {
        let properties = element("Last-Modified", &date_text(found.last_modified))
            + &element("Etag", &format!("\"{}\"", found.etag))
            + "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
            + "<HasImmutabilityPolicy>false</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold>"
            + &public(&found.public_access);
        let metadata = if with_metadata { shown(&found.metadata) } else { String::new() };
        items += &format!(
            "<Container>{}<Properties>{properties}</Properties>{metadata}</Container>",
            element("Name", &found.name)
        );
    }
    let inside = format!("{}<Containers>{items}</Containers>", echoed(call, ""));
    Ok(answer(call, "", &inside, page.next.as_deref()))
}

fn public(access: &str) -> String {
    if access == "None" { String::new() } else { element("PublicAccess", &access.to_ascii_lowercase()) }
}

/// List Blobs.
pub(super) async fn blobs(call: &Call<'_>) -> Result<Response, Error> {
    let delimiter = call.query.get("delimiter").unwrap_or_default();
    let wanted = Wanted {
        prefix: call.query.get("prefix").unwrap_or_default().to_owned(),
        delimiter: Some(delimiter.to_owned()),
        from: marker(call)?,
        limit: limit(call)?,
        uncommitted: includes(call, "uncommittedblobs"),
    };
    let page = call.blobs().list(&call.container()?, &wanted).await?;
    let with_metadata = includes(call, "metadata");
    let items: String = page
        .items
        .iter()
        .map(|item| match item {
            Listed::Blob(blob) => one(blob, with_metadata),
            Listed::Prefix(prefix) => format!("<BlobPrefix>{}</BlobPrefix>", element("Name", prefix)),
        })
        .collect();
    let inside = format!("{}<Blobs>{items}</Blobs>", echoed(call, delimiter));
    let named = format!(" ContainerName=\"{}\"", escaped(&call.address.container));
    Ok(answer(call, &named, &inside, page.next.as_deref()))
}

fn one(blob: &Blob, with_metadata: bool) -> String {
    let header = |name: &str| blob.headers.get(name).map_or("", String::as_str);
    let kind = blob.headers.get("content-type").map_or("application/octet-stream", String::as_str);
    let mut properties = element("Creation-Time", &date_text(blob.created))
        + &element("Last-Modified", &date_text(blob.last_modified))
        + &element("Etag", &blob.etag)
        + &element("Content-Length", &blob.size_bytes.to_string())
        + &element("Content-Type", kind)
        + &element("Content-Encoding", header("content-encoding"))
        + &element("Content-Language", header("content-language"))
        + &element("Content-MD5", header("content-md5"))
        + &element("Cache-Control", header("cache-control"))
        + &element("Content-Disposition", header("content-disposition"));
    if blob.kind == BlobKind::Page {
        properties += &element("x-ms-blob-sequence-number", &blob.sequence.to_string());
    }
    properties += &element("BlobType", blob.kind.as_str());
    properties += "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>";
    properties += "<ServerEncrypted>false</ServerEncrypted>";
    let metadata = if with_metadata { shown(&blob.metadata) } else { String::new() };
    let name = element("Name", &blob.name);
    format!("<Blob>{name}<Properties>{properties}</Properties>{metadata}</Blob>")
}

/// Metadata names were checked to be names of tags when they came in.
fn shown(metadata: &BTreeMap<String, String>) -> String {
    let all: String = metadata.iter().map(|(name, value)| element(name, value)).collect();
    format!("<Metadata>{all}</Metadata>")
}

/// What the list repeats of the request.
fn echoed(call: &Call<'_>, delimiter: &str) -> String {
    ["prefix", "marker", "maxresults"]
        .iter()
        .zip(["Prefix", "Marker", "MaxResults"])
        .filter_map(|(name, tag)| Some(element(tag, call.query.get(name)?)))
        .chain((!delimiter.is_empty()).then(|| element("Delimiter", delimiter)))
        .collect()
}

fn answer(call: &Call<'_>, named: &str, inside: &str, next: Option<&str>) -> Response {
    let base =
        edge::base(call.edge, call.headers(), call.parts.uri.authority().map(http::uri::Authority::as_str));
    let endpoint = format!("{base}/{}/", call.address.account);
    let next = element("NextMarker", &next.map(|name| URL_SAFE_NO_PAD.encode(name)).unwrap_or_default());
    let text = format!(
        "{HEAD}<EnumerationResults ServiceEndpoint=\"{}\"{named}>{inside}{next}</EnumerationResults>",
        escaped(&endpoint)
    );
    let mut response = Response::new(Body::from(text));
    set(&mut response, "content-type", "application/xml");
    response
}

fn includes(call: &Call<'_>, what: &str) -> bool {
    call.query.get("include").unwrap_or_default().split(',').any(|word| word.eq_ignore_ascii_case(what))
}

fn limit(call: &Call<'_>) -> Result<usize, Rejection> {
    let Some(text) = call.query.get("maxresults") else { return Ok(MOST) };
    let number = text.parse::<usize>().ok().filter(|number| *number > 0);
    let refused = || {
        let message =
            "A query parameter specified in the request URI is outside the permissible range: maxresults.";
        Rejection::new(400, "OutOfRangeQueryParameterValue", message)
    };
    Ok(number.ok_or_else(refused)?.min(MOST))
}

/// Where a page goes on; only this server understands it.
fn marker(call: &Call<'_>) -> Result<Option<String>, Rejection> {
    let Some(text) = call.query.get("marker").filter(|text| !text.is_empty()) else { return Ok(None) };
    let name = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let refused = || {
        let message =
            "Value for one of the query parameters specified in the request URI is invalid: marker.";
        Rejection::new(400, "InvalidQueryParameterValue", message)
    };
    name.map(Some).ok_or_else(refused)
}
