//! Sharing a gallery: the kind is chosen at creation, with whom is said by POST `share` (azure-api 8.2).
//!
//! The kind never changes but by `Reset`, which makes a gallery private for good; groups are never written by a PUT.

use std::collections::HashSet;

use arm::{Region, ResourceId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::shape::{Field, Kind, at, object_in, text_at};
use crate::{Act, Acted, Answer, Entropy, Put, Rejection, Stored};

pub(super) const PERMISSIONS: &str = "sharingProfile.permissions";
const PROFILE: &str = "sharingProfile";
const COMMUNITY: &str = "sharingProfile.communityGalleryInfo";
const INFO: &str = "communityGalleryInfo";
const ENABLED: &str = "communityGalleryEnabled";
/// What a community gallery tells of itself.
const TOLD: [&str; 4] = ["publisherUri", "publisherContact", "eula", "publicNamePrefix"];

/// The body of POST `share`.
pub(super) const SHARE: &[Field] = &[
    Field::new("operationType", Kind::Choice(&["Add", "Remove", "Reset", "EnableCommunity"])),
    Field::new("groups", Kind::List(&Kind::Object(GROUP))),
];

/// Subscriptions or tenants by id.
pub(super) const GROUP: &[Field] = &[
    Field::new("type", Kind::Choice(&["Subscriptions", "AADTenants"])),
    Field::new("ids", Kind::List(&Kind::Text(64))),
];

/// The kinds of groups, with how many of each a gallery may be shared with, and what they are called.
const KINDS: [(&str, usize, &str); 2] =
    [("Subscriptions", 30, "subscriptions"), ("AADTenants", 5, "tenants")];

/// The kind of sharing, `Private` unless said.
pub(super) fn permissions(properties: &Map<String, Value>) -> &str {
    text_at(properties, PERMISSIONS).unwrap_or("Private")
}

/// Checks and fills the sharing profile of a PUT.
pub(super) fn settle(put: &Put<'_>, properties: &mut Map<String, Value>) -> Result<(), Rejection> {
    let stands = put.current.map(|current| &current.document.properties);
    permissions_are_kept(stands, properties)?;
    if permissions(properties) != "Community" {
        return info_is_of_a_community(properties);
    }
    prefix_is_kept(stands, properties)?;
    community_is_described_whole(properties)?;
    if stands.is_none() {
        let prefix = text_at(properties, &format!("{COMMUNITY}.publicNamePrefix")).unwrap_or_default();
        prefix_is_well_formed(prefix)?;
        let name = format!("{prefix}-{}", guid(put.entropy));
        let info = object_in(object_in(properties, PROFILE), INFO);
        info.insert("publicNames".to_owned(), json!([name]));
        info.insert(ENABLED.to_owned(), Value::Bool(false));
    }
    Ok(())
}

/// The kind of sharing is chosen at creation; left out it stays.
fn permissions_are_kept(
    stands: Option<&Map<String, Value>>,
    properties: &mut Map<String, Value>,
) -> Result<(), Rejection> {
    let Some(stands) = stands else { return Ok(()) };
    let kind = permissions(stands);
    match text_at(properties, PERMISSIONS) {
        Some(asked) if asked != kind => {
            let target = format!("gallery.properties.{PERMISSIONS}");
            let message = format!(
                "Cannot update '{target}' from '{kind}' to '{asked}'. The kind of sharing is chosen when the gallery is created; with whom it is shared is changed by a POST to 'share' only."
            );
            return Err(Rejection::invalid(target, message));
        }
        Some(_) => {}
        None => {
            if let Some(said) = at(stands, PERMISSIONS) {
                object_in(properties, PROFILE).insert("permissions".to_owned(), said.clone());
            }
        }
    }
    // What a community is told stays as far as it is left out.
    if kind == "Community" {
        let info = object_in(object_in(properties, PROFILE), INFO);
        for name in TOLD {
            let unsaid = info.get(name).and_then(Value::as_str).is_none_or(str::is_empty);
            if let Some(said) = at(stands, &format!("{COMMUNITY}.{name}")).filter(|_| unsaid) {
                info.insert(name.to_owned(), said.clone());
            }
        }
    }
    Ok(())
}

fn info_is_of_a_community(properties: &mut Map<String, Value>) -> Result<(), Rejection> {
    let says =
        |info: &Value| TOLD.iter().any(|name| info[*name].as_str().is_some_and(|text| !text.is_empty()));
    let target = format!("gallery.properties.{COMMUNITY}");
    if at(properties, COMMUNITY).is_some_and(says) {
        let message = format!(
            "'{target}' is allowed only with 'gallery.properties.{PERMISSIONS}' 'Community'; it is '{}'.",
            permissions(properties)
        );
        return Err(Rejection::invalid(target, message));
    }
    if let Some(Value::Object(profile)) = properties.get_mut(PROFILE) {
        profile.remove(INFO);
        if profile.is_empty() {
            properties.remove(PROFILE);
        }
    }
    Ok(())
}

fn prefix_is_kept(
    stands: Option<&Map<String, Value>>,
    properties: &Map<String, Value>,
) -> Result<(), Rejection> {
    let path = format!("{COMMUNITY}.publicNamePrefix");
    let Some(kept) = stands.and_then(|stands| text_at(stands, &path)) else { return Ok(()) };
    match text_at(properties, &path) {
        Some(asked) if asked != kept => Err(Rejection::change(format!("gallery.properties.{path}"))),
        _ => Ok(()),
    }
}

/// A community gallery tells who publishes it, where, under which terms and prefix.
fn community_is_described_whole(properties: &Map<String, Value>) -> Result<(), Rejection> {
    for name in TOLD {
        let path = format!("{COMMUNITY}.{name}");
        if text_at(properties, &path).is_none() {
            let target = format!("gallery.properties.{path}");
            let message = format!("Required parameter '{target}' is missing (null).");
            return Err(Rejection::invalid(target, message));
        }
    }
    Ok(())
}

fn prefix_is_well_formed(prefix: &str) -> Result<(), Rejection> {
    if (5..=16).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let target = format!("gallery.properties.{COMMUNITY}.publicNamePrefix");
    let message =
        format!("The value of parameter '{target}' is invalid. It should be 5 to 16 letters and digits.");
    Err(Rejection::invalid(target, message))
}

/// A random GUID out of what is random in the request.
fn guid(entropy: &Entropy) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&entropy[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Decides POST `share`.
pub(super) fn share(act: &Act<'_>) -> Result<Acted, Rejection> {
    let stands = &act.stored.document.properties;
    let Some(operation) = text_at(act.body, "operationType") else {
        return Err(missing("sharingUpdate.operationType"));
    };
    let asked = asked_groups(act.body)?;
    let mut properties = stands.clone();
    match (operation, permissions(stands)) {
        ("Reset", _) => reset(&mut properties),
        ("Add", "Groups") => add(&mut properties, &asked)?,
        ("Remove", "Groups") => remove(&mut properties, &asked)?,
        ("EnableCommunity", "Community") => {
            object_in(object_in(&mut properties, PROFILE), INFO)
                .insert(ENABLED.to_owned(), Value::Bool(true));
        }
        (operation, kind) => return Err(kind_differs(act.stored, operation, kind)),
    }
    if operation != "Reset" {
        properties.insert("sharingStatus".to_owned(), everywhere(act.regions.iter()));
    }
    let claims = claims(&act.stored.id, &properties);
    Ok(Acted {
        properties: Some(properties),
        claims: Some(claims),
        answer: Answer::Operation(Value::Object(act.body.clone())),
        ..Acted::default()
    })
}

fn kind_differs(stored: &Stored, operation: &str, kind: &str) -> Rejection {
    let needed = if operation == "EnableCommunity" { "Community" } else { "Groups" };
    let message = format!(
        "The operation '{operation}' needs a gallery with 'gallery.properties.{PERMISSIONS}' '{needed}'; gallery '{}' has '{kind}'. The kind of sharing is chosen when a gallery is created.",
        stored.id.name()
    );
    Rejection::conflict("OperationNotAllowed", message).at("sharingUpdate.operationType")
}

fn reset(properties: &mut Map<String, Value>) {
    properties.insert(PROFILE.to_owned(), json!({"permissions": "Private"}));
    properties.remove("sharingStatus");
}

/// The regions of the installation all read the same rows: what is shared is shared everywhere at once.
fn everywhere<'a>(regions: impl Iterator<Item = &'a Region>) -> Value {
    let summary = regions.map(|region| json!({"region": region.display_name(), "state": "Succeeded"}));
    json!({"aggregatedState": "Succeeded", "summary": summary.collect::<Vec<_>>()})
}

/// The ids asked for, by kind, as GUIDs.
type Asked = Vec<(&'static str, Vec<Uuid>)>;

fn asked_groups(body: &Map<String, Value>) -> Result<Asked, Rejection> {
    let mut asked: Asked = KINDS.iter().map(|(kind, _, _)| (*kind, Vec::new())).collect();
    let groups = body.get("groups").and_then(Value::as_array).into_iter().flatten();
    for (number, group) in groups.enumerate() {
        let place = format!("sharingUpdate.groups[{number}]");
        let kind = group["type"].as_str().ok_or_else(|| missing(&format!("{place}.type")))?;
        let Some((_, ids)) = asked.iter_mut().find(|(known, _)| *known == kind) else { continue };
        for (at, id) in group["ids"].as_array().into_iter().flatten().enumerate() {
            let id = id.as_str().and_then(|text| text.parse::<Uuid>().ok()).filter(|id| !id.is_nil());
            let target = format!("{place}.ids[{at}]");
            ids.push(id.ok_or_else(|| {
                Rejection::invalid(&target, format!("The value of parameter '{target}' is no GUID."))
            })?);
        }
    }
    Ok(asked)
}

fn add(properties: &mut Map<String, Value>, asked: &Asked) -> Result<(), Rejection> {
    some_are_named(asked)?;
    let mut groups = Vec::new();
    for ((kind, most, words), (_, new)) in KINDS.iter().zip(asked) {
        let mut ids = ids_of(properties, kind);
        let mut known: HashSet<Uuid> = ids.iter().copied().collect();
        ids.extend(new.iter().filter(|id| known.insert(**id)));
        if ids.len() > *most {
            let message = format!(
                "A gallery can be shared with at most {most} {words}; this would make {}. Remove some first.",
                ids.len()
            );
            return Err(Rejection::invalid("sharingUpdate.groups", message));
        }
        groups.push((*kind, ids));
    }
    put_groups(properties, groups);
    Ok(())
}

fn remove(properties: &mut Map<String, Value>, asked: &Asked) -> Result<(), Rejection> {
    some_are_named(asked)?;
    let left = asked.iter().map(|(kind, gone)| {
        let gone: HashSet<&Uuid> = gone.iter().collect();
        let mut ids = ids_of(properties, kind);
        ids.retain(|id| !gone.contains(id));
        (*kind, ids)
    });
    let left = left.collect();
    put_groups(properties, left);
    Ok(())
}

fn some_are_named(asked: &Asked) -> Result<(), Rejection> {
    if asked.iter().any(|(_, ids)| !ids.is_empty()) { Ok(()) } else { Err(missing("sharingUpdate.groups")) }
}

/// A group without ids is none.
fn put_groups(properties: &mut Map<String, Value>, groups: Vec<(&str, Vec<Uuid>)>) {
    let groups = groups.into_iter().filter(|(_, ids)| !ids.is_empty());
    let groups: Vec<Value> = groups.map(|(kind, ids)| json!({"type": kind, "ids": ids})).collect();
    let profile = object_in(properties, PROFILE);
    match groups.is_empty() {
        true => drop(profile.remove("groups")),
        false => drop(profile.insert("groups".to_owned(), Value::Array(groups))),
    }
}

fn ids_of(properties: &Map<String, Value>, kind: &str) -> Vec<Uuid> {
    let groups = at(properties, "sharingProfile.groups").and_then(Value::as_array).into_iter().flatten();
    let ids = groups.filter(|group| group["type"] == kind).filter_map(|group| group["ids"].as_array());
    ids.flatten().filter_map(|id| id.as_str()?.parse().ok()).collect()
}

fn missing(target: &str) -> Rejection {
    Rejection::invalid(target, format!("Required parameter '{target}' is missing (null)."))
}

/// Whoever a gallery is shared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumer<'a> {
    /// Everyone in a subscription.
    Subscription(&'a str),
    /// Everyone in a tenant.
    Tenant(&'a str),
}

impl Consumer<'_> {
    fn kind_and_id(self) -> (&'static str, Option<Uuid>) {
        match self {
            Self::Subscription(id) => ("Subscriptions", id.parse().ok()),
            Self::Tenant(id) => ("AADTenants", id.parse().ok()),
        }
    }

    /// What the claims of galleries begin with that are shared with this consumer; a gallery's unique name follows.
    #[must_use]
    pub fn claim_prefix(self) -> String {
        let (kind, id) = self.kind_and_id();
        shared_with(kind, id.unwrap_or_default())
    }
}

fn shared_with(kind: &str, id: Uuid) -> String {
    format!("/sharedwith/{}/{id}/", kind.to_ascii_lowercase())
}

/// Whether a gallery is shared with `consumer`.
#[must_use]
pub fn is_shared_with(gallery: &Stored, consumer: Consumer<'_>) -> bool {
    let properties = &gallery.document.properties;
    let (kind, id) = consumer.kind_and_id();
    let shared = permissions(properties) == "Groups";
    shared && id.is_some_and(|id| ids_of(properties, kind).contains(&id))
}

/// Whether a gallery is open to the community.
#[must_use]
pub fn is_public(gallery: &Stored) -> bool {
    let properties = &gallery.document.properties;
    permissions(properties) == "Community"
        && at(properties, &format!("{COMMUNITY}.{ENABLED}")) == Some(&Value::Bool(true))
}

/// The claim of the gallery that is shared as `unique_name`; `None` for what is no such name.
#[must_use]
pub fn claim_of_unique_name(unique_name: &str) -> Option<String> {
    let (subscription, rest) = unique_name.split_at_checked(36)?;
    subscription.parse::<Uuid>().ok()?;
    let name = rest.strip_prefix('-').filter(|name| !name.is_empty())?;
    Some(super::rules::claim_of(subscription, name))
}

/// The claim of the community gallery with this public name.
#[must_use]
pub fn claim_of_public_name(public_name: &str) -> String {
    format!("{PUBLIC_CLAIMS}{}", public_name.to_ascii_lowercase())
}

/// What the claims of all community galleries begin with.
pub const PUBLIC_CLAIMS: &str = "/communitygalleries/";

/// `{subscription}-{NAME}`: how a gallery is called where it is shared with groups.
#[must_use]
pub fn unique_name(id: &ResourceId) -> String {
    format!("{}-{}", id.subscription().unwrap_or_default(), id.name().to_ascii_uppercase())
}

/// The public name of a community gallery.
#[must_use]
pub fn public_name(gallery: &Stored) -> Option<&str> {
    at(&gallery.document.properties, &format!("{COMMUNITY}.publicNames"))?.get(0)?.as_str()
}

/// What a community gallery tells of itself.
#[must_use]
pub fn community_metadata(gallery: &Stored) -> Value {
    let info = at(&gallery.document.properties, COMMUNITY);
    let told = ["publisherUri", "publisherContact", "eula", "publicNames"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), info?.get(name)?.clone())));
    Value::Object(told.collect())
}

/// The words that are a gallery's alone: its name, and those under which consumers find it.
pub(super) fn claims(id: &ResourceId, properties: &Map<String, Value>) -> Vec<String> {
    let mut claims = vec![super::rules::claim(id)];
    let unique_name = unique_name(id).to_ascii_lowercase();
    match permissions(properties) {
        "Groups" => {
            for (kind, _, _) in KINDS {
                let shared = ids_of(properties, kind).into_iter();
                claims.extend(shared.map(|id| format!("{}{unique_name}", shared_with(kind, id))));
            }
        }
        "Community" if at(properties, &format!("{COMMUNITY}.{ENABLED}")) == Some(&Value::Bool(true)) => {
            let names = at(properties, &format!("{COMMUNITY}.publicNames")).and_then(Value::as_array);
            let names = names.into_iter().flatten().filter_map(Value::as_str);
            claims.extend(names.map(claim_of_public_name));
        }
        _ => {}
    }
    claims
}
