//! What must stand before an example can be replayed: its group, what it is nested in, what it names.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::adapt::{Adaptation, is_id};
use super::client::{Client, Reply};
use crate::spec::Operation;

const GROUP_VERSION: &str = "2022-09-01";
const MARKETPLACE_VERSION: &str = "2026-11-01";
const SPARE_VERSION: &str = "2024-03-03";
const COMPUTE: &str = "providers/Microsoft.Compute";
const MARKETPLACE: &str = "/providers/Gallerist.Images/marketplaces/default";

/// The world of one example.
pub(super) struct Setting<'a> {
    pub(super) client: &'a Client,
    pub(super) adaptation: Adaptation<'a>,
    pub(super) operations: &'a [Operation],
    /// Bodies that this example needs instead of the usual ones, by type.
    pub(super) special: Option<&'a BTreeMap<String, Value>>,
    made: HashSet<String>,
}

/// Why the world is not complete.
#[derive(Debug)]
pub(super) enum Lack {
    /// The server says that it has not built what is needed.
    Refused(String),
    /// It should have been made.
    Failed(String),
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for Lack {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl<'a> Setting<'a> {
    pub(super) fn new(
        client: &'a Client,
        adaptation: Adaptation<'a>,
        operations: &'a [Operation],
        special: Option<&'a BTreeMap<String, Value>>,
    ) -> Self {
        Self { client, adaptation, operations, special, made: HashSet::new() }
    }

    fn group(&self) -> String {
        let Adaptation { subscription, group, .. } = &self.adaptation;
        format!("/subscriptions/{subscription}/resourceGroups/{group}")
    }

    pub(super) async fn make_group(&self) -> Result<(), Lack> {
        let place = format!("{}?api-version={GROUP_VERSION}", self.group());
        let body = serde_json::json!({"location": "westus"});
        let reply = self.client.send("PUT", &place, Some(&body)).await?;
        self.ended("the group", &reply).await
    }

    /// Deletes the group and all in it.
    pub(super) async fn clear(&self) -> anyhow::Result<()> {
        let place = format!("{}?api-version={GROUP_VERSION}", self.group());
        let reply = self.client.send("DELETE", &place, None).await?;
        // What protects itself from deletion stays: the next example has a group of its own.
        self.client.settled(&reply).await.map(drop)
    }

    /// Makes what `path` is nested in, and what it names itself unless a PUT or a list asks for it.
    pub(super) async fn make_around(&mut self, method: &str, path: &str) -> Result<(), Lack> {
        let words = path.matches('/').count();
        // Ids have an even number of words; lists and actions one more.
        let id = match (words.is_multiple_of(2), method) {
            (true, "PUT") => return self.make_above(path).await,
            (true, _) => path.to_owned(),
            (false, "POST") => path.rsplit_once('/').map_or(path, |(id, _)| id).to_owned(),
            (false, _) => self.listed(path),
        };
        self.make(&id).await
    }

    /// One of those that a list should show.
    fn listed(&self, list: &str) -> String {
        // What a subscription lists stands in groups.
        let (_, below) = list.split_once("/providers/").unwrap_or_default();
        let list = match list.contains("/resourceGroups/") {
            true => list.to_owned(),
            false => format!("{}/providers/{below}", self.group()),
        };
        match list.ends_with("ersions") {
            true => format!("{list}/1.0.0"),
            false => format!("{list}/listed{}", self.adaptation.suffix),
        }
    }

    /// Makes all that `body` names.
    pub(super) async fn make_named(&mut self, body: &Value, except: &str) -> Result<(), Lack> {
        let mut ids = Vec::new();
        collect_ids(body, &mut ids);
        for id in ids.into_iter().filter(|id| !id.eq_ignore_ascii_case(except)) {
            self.make(&id).await?;
        }
        Ok(())
    }

    async fn make_above(&mut self, id: &str) -> Result<(), Lack> {
        match parent(id) {
            Some(parent) => self.make(&parent).await,
            None => Ok(()),
        }
    }

    /// Makes a resource whose type is known to the data file; others are left to the server.
    async fn make(&mut self, id: &str) -> Result<(), Lack> {
        let kind = type_of(id);
        let special = self.special.and_then(|special| special.get(&kind));
        let known = self.adaptation.known;
        let Some(body) = special.or_else(|| known.bodies.get(&kind)) else {
            return Box::pin(self.make_above(id)).await;
        };
        if !self.made.insert(id.to_ascii_lowercase()) {
            return Ok(());
        }
        let body = self.adaptation.value(body);
        Box::pin(self.make_above(id)).await?;
        Box::pin(self.make_named(&body, id)).await?;
        let place = format!("{id}?api-version={}", self.api_version(&kind));
        let reply = self.client.send("PUT", &place, Some(&body)).await?;
        self.ended(id, &reply).await
    }

    /// A gallery that is published in one of the two ways, for those who read it from afar; answers how they name it.
    pub(super) async fn publish(&mut self, to_community: bool) -> Result<String, Lack> {
        let gallery = format!("{}/{COMPUTE}/galleries/shared{}", self.group(), self.adaptation.suffix);
        let (permissions, share) = match to_community {
            true => ("Community", serde_json::json!({"operationType": "EnableCommunity"})),
            false => {
                let ids = [&self.adaptation.subscription];
                let groups = serde_json::json!([{"type": "Subscriptions", "ids": ids}]);
                ("Groups", serde_json::json!({"operationType": "Add", "groups": groups}))
            }
        };
        let mut profile = serde_json::json!({"permissions": permissions});
        if to_community {
            profile["communityGalleryInfo"] = serde_json::json!({
                "publisherUri": "https://example.org", "publisherContact": "a@example.org",
                "eula": "https://example.org/eula", "publicNamePrefix": "public",
            });
        }
        let body = serde_json::json!({"location": "westus", "properties": {"sharingProfile": profile}});
        let version = self.api_version("microsoft.compute/galleries").to_owned();
        let place = format!("{gallery}?api-version={version}");
        let reply = self.client.send("PUT", &place, Some(&body)).await?;
        self.ended("a shared gallery", &reply).await?;
        self.made.insert(gallery.to_ascii_lowercase());
        self.make(&format!("{gallery}/images/shared/versions/1.0.0")).await?;
        let place = format!("{gallery}/share?api-version={version}");
        let reply = self.client.send("POST", &place, Some(&share)).await?;
        self.ended("the sharing", &reply).await?;
        let place = format!("{gallery}?api-version={version}&$select=Permissions");
        let shown = self.client.send("GET", &place, None).await?.body.unwrap_or_default();
        let name = match to_community {
            true => shown.pointer("/properties/sharingProfile/communityGalleryInfo/publicNames/0"),
            false => shown.pointer("/properties/identifier/uniqueName"),
        };
        let name = name.and_then(Value::as_str).map(str::to_owned);
        name.ok_or_else(|| Lack::Failed("a shared gallery has no public name".to_owned()))
    }

    /// Makes a version of the definition that `list` is about, and deletes it softly.
    pub(super) async fn delete_softly(&mut self, list: &str) -> Result<(), Lack> {
        let (gallery, below) = list.split_once("/softDeletedArtifactTypes/").unwrap_or_default();
        let definition = below.split('/').nth(2).unwrap_or_default();
        let version = format!("{gallery}/images/{definition}/versions/1.0.0");
        self.make(&version).await?;
        let place = format!("{version}?api-version={}", self.api_version(&type_of(&version)));
        let reply = self.client.send("DELETE", &place, None).await?;
        self.ended(&version, &reply).await
    }

    /// Lists the catalogue in the marketplace.
    pub(super) async fn offer(&self) -> Result<(), Lack> {
        let place = format!("{MARKETPLACE}/import?api-version={MARKETPLACE_VERSION}");
        let reply = self.client.send("POST", &place, Some(&self.adaptation.known.catalogue)).await?;
        self.ended("the catalogue", &reply).await
    }

    /// Takes the catalogue's publishers out of the marketplace.
    pub(super) async fn withdraw(&self) -> anyhow::Result<()> {
        let publishers = self.adaptation.known.catalogue["publishers"].as_array();
        for name in publishers.into_iter().flatten().filter_map(|publisher| publisher["name"].as_str()) {
            let place = format!("{MARKETPLACE}/publishers/{name}?api-version={MARKETPLACE_VERSION}");
            let reply = self.client.send("DELETE", &place, None).await?;
            anyhow::ensure!(reply.status < 400, "could not withdraw {name}: {}", reply.brief());
        }
        Ok(())
    }

    fn api_version(&self, kind: &str) -> &str {
        let mut puts = self.operations.iter().filter(|operation| operation.method == "PUT");
        let found = puts.find(|operation| type_of(&operation.path) == kind);
        found.map_or(SPARE_VERSION, |operation| &operation.api_version)
    }

    async fn ended(&self, what: &str, reply: &Reply) -> Result<(), Lack> {
        if reply.status == 501
            && let Some(code) = reply.error_code()
        {
            return Err(Lack::Refused(format!("{code} of {}", type_of(what))));
        }
        if reply.status >= 400 {
            return Err(Lack::Failed(format!("{what}: {}", reply.brief())));
        }
        let ended = self.client.settled(reply).await?;
        ended.map(drop).map_err(|error| Lack::Failed(format!("{what}: {error}")))
    }
}

/// The type in an id, in lower case; what is no id is answered as it is.
fn type_of(id: &str) -> String {
    let Some(typed) = below_provider(id) else { return id.to_owned() };
    let mut words = typed.split('/');
    let namespace = words.next().unwrap_or_default();
    let types: Vec<&str> = words.step_by(2).collect();
    format!("{namespace}/{}", types.join("/")).to_ascii_lowercase()
}

/// The namespace and what follows it; the words of ids are of any case.
fn below_provider(id: &str) -> Option<&str> {
    const WORD: &str = "/providers/";
    let at = id.to_ascii_lowercase().rfind(WORD)?;
    id.get(at + WORD.len()..)
}

/// What a nested id is nested in.
fn parent(id: &str) -> Option<String> {
    let typed = below_provider(id)?;
    let is_nested = typed.matches('/').count() > 2;
    let above = id.rsplitn(3, '/').nth(2)?;
    is_nested.then(|| above.to_owned())
}

fn collect_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::String(text) if is_id(text) => ids.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, ids)),
        Value::Object(members) => members.values().for_each(|value| collect_ids(value, ids)),
        _ => {}
    }
}
