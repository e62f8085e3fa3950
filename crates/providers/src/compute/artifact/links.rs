//! Addresses of bytes that a version is made of: named at creation, the same for ever.
//!
//! An address is stored and shown without its query, which is where signatures are; only the job sees it whole.

use serde_json::{Map, Value, json};
use url::Url;

use super::Artifact;
use crate::shape::{at, text_at};
use crate::{Put, Rejection};

/// A member that holds an address.
#[derive(Clone, Copy, Debug)]
pub(in crate::compute) struct Place {
    /// What is there: `package`.
    pub(in crate::compute) name: &'static str,
    /// Where the member is below `properties`.
    pub(in crate::compute) path: &'static str,
    pub(in crate::compute) is_required: bool,
}

/// Checks every address and cuts its query off. Answers the sources of a creation, as the job reads them, or those
/// of an update that came with another signature.
pub(in crate::compute) fn settle(
    put: &Put<'_>,
    properties: &mut Map<String, Value>,
    artifact: &Artifact,
    places: &[Place],
) -> Result<Vec<Value>, Rejection> {
    let mut sources = Vec::new();
    for place in places {
        let stands = put.current.and_then(|current| text_at(&current.document.properties, place.path));
        let asked = text_at(properties, place.path);
        let url = asked.map(|asked| address(asked, place, artifact)).transpose()?;
        let plain = match (&url, put.current) {
            (Some(url), None) => Some(shown(url)),
            (None, None) if place.is_required => return Err(artifact.missing(place.path)),
            (None, None) => None,
            (None, Some(_)) => stands.map(str::to_owned),
            (Some(url), Some(_)) if stands == Some(&shown(url)) => Some(shown(url)),
            (Some(_), Some(_)) => return Err(Rejection::change(artifact.target(place.path))),
        };
        // What a GET shows has no signature and says nothing new.
        let is_new = put.current.is_none() || asked != stands;
        if let Some(url) = url.filter(|_| is_new) {
            // Sealed on its way to the job.
            sources.push(json!({"name": place.name, "address": shown(&url), "secret": url.as_str()}));
        }
        write(properties, place.path, plain);
    }
    Ok(sources)
}

/// The whole address, if every reader understands it alike. The message does not repeat it: it may hold a signature.
fn address(text: &str, place: &Place, artifact: &Artifact) -> Result<Url, Rejection> {
    let is_plain = |url: &Url| {
        // Hostile spellings of hosts print differently from what was written.
        let printed = url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
        let named = matches!(url.scheme(), "http" | "https") && url.has_host();
        named && printed && text.is_ascii() && url.fragment().is_none() && !text.contains(['\\', '@', ' '])
    };
    Url::parse(text).ok().filter(is_plain).ok_or_else(|| {
        let target = artifact.target(place.path);
        let message = format!(
            "The value of parameter '{target}' is invalid. It should be the absolute http or https URI of a blob, in plain ASCII and without a user name."
        );
        Rejection::invalid(target, message)
    })
}

/// The address without what may be secret: scheme, host and path.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.into()
}

/// Puts `value` at a dotted path; nothing is made for an absent one.
fn write(members: &mut Map<String, Value>, path: &str, value: Option<String>) {
    let is_there = at(members, path).is_some();
    let (mut members, mut rest) = (members, path);
    while let Some((name, below)) = rest.split_once('.') {
        if value.is_none() && !is_there {
            return;
        }
        (members, rest) = (crate::shape::object_in(members, name), below);
    }
    match value {
        Some(value) => members.insert(rest.to_owned(), value.into()),
        None => members.remove(rest),
    };
}
