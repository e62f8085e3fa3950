//! What tests of rules need: a PUT as the engine hands it on, without the engine.

#![expect(clippy::needless_pass_by_value, reason = "cases read best as the values they are")]

use std::collections::{BTreeSet, HashMap};

use arm::{ApiVersion, Region, ResourceId};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::shape::Kind;
use crate::{
    Accepted, Act, Acted, Delete, Document, Entropy, Put, Query, Rejection, Removal, ResourceType, Show,
    State, Stored, shape,
};

pub(crate) const GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg";

/// What is random in life.
pub(crate) const ENTROPY: Entropy = [7; 128];

fn regions() -> BTreeSet<Region> {
    ["westeurope", "northeurope", "eastus2", "edge1"].iter().map(|name| name.parse().unwrap()).collect()
}

/// The id of a resource of the gallery provider in the test group.
pub(crate) fn compute(path: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Compute/{path}")
}

/// A resource as it stands.
pub(crate) fn stored(id: &str, properties: Value) -> Stored {
    Stored {
        id: id.parse().unwrap(),
        document: Document {
            schema: Document::SCHEMA,
            location: Some("westeurope".to_owned()),
            tags: None,
            envelope: Map::new(),
            properties: serde_json::from_value(properties).unwrap(),
            internal: Map::new(),
            state: State::Succeeded,
            created_by: String::new(),
        },
    }
}

/// A resource of one type and the world around it.
#[derive(Clone)]
pub(crate) struct Scene {
    pub kind: &'static dyn ResourceType,
    pub id: ResourceId,
    pub current: Option<Stored>,
    pub parent: Option<Stored>,
    pub grandparent: Option<Stored>,
    pub linked: HashMap<String, Stored>,
    pub envelope: Map<String, Value>,
    pub location: &'static str,
    pub api_version: &'static str,
    pub now: Timestamp,
}

impl Scene {
    pub(crate) fn new(kind: &'static dyn ResourceType, id: &str) -> Self {
        Self {
            kind,
            id: id.parse().unwrap(),
            current: None,
            parent: None,
            grandparent: None,
            linked: HashMap::new(),
            envelope: Map::new(),
            location: "westeurope",
            api_version: kind.api_versions()[0],
            now: "2027-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    pub(crate) fn link(mut self, stored: Stored) -> Self {
        self.linked.insert(stored.id.key(), stored);
        self
    }

    /// The scene after `properties` were PUT and every job ended well.
    pub(crate) fn after(self, properties: Value) -> Self {
        let accepted = self.put(properties).unwrap();
        self.standing(accepted, State::Succeeded)
    }

    pub(crate) fn standing(mut self, accepted: Accepted, state: State) -> Self {
        let mut next = stored(&self.id.to_string(), Value::Object(accepted.properties));
        next.document.location = Some(self.location.to_owned());
        let before = self.current.take().map(|current| current.document.internal);
        next.document.envelope = accepted.envelope.unwrap_or_else(|| self.envelope.clone());
        next.document.internal = accepted.internal.or(before).unwrap_or_default();
        next.document.state = state;
        self.current = Some(next);
        self
    }

    pub(crate) fn put(&self, properties: Value) -> Result<Accepted, Rejection> {
        self.write(properties, false)
    }

    pub(crate) fn patch(&self, properties: Value) -> Result<Accepted, Rejection> {
        self.write(properties, true)
    }

    /// The properties after a PUT that is no error.
    pub(crate) fn properties(&self, properties: Value) -> Value {
        Value::Object(self.put(properties).unwrap().properties)
    }

    fn write(&self, properties: Value, is_patch: bool) -> Result<Accepted, Rejection> {
        self.kind.check_name(self.id.name())?;
        let path = format!("{}.properties", self.kind.subject());
        let stands = self.current.as_ref().map(|current| &current.document.properties);
        let mut reading = shape::read(self.kind.properties(), &properties, &path)?;
        if let Some(stands) = stands.filter(|_| is_patch) {
            reading.stored = shape::merge(stands, reading.stored);
        }
        let wanted = shape::settle(self.kind.properties(), stands, reading.stored, &path)?;
        let links = self.kind.links(&wanted)?.into_iter().map(|link| link.id);
        let asked: Vec<String> = links.chain(self.kind.companions(&self.id)).map(|id| id.key()).collect();
        let linked = self.linked.clone().into_iter().filter(|(key, _)| asked.contains(key)).collect();
        let api_version: ApiVersion = self.api_version.parse().unwrap();
        self.kind.put(&Put {
            id: &self.id,
            current: self.current.as_ref(),
            parent: self.parent.as_ref(),
            above: &self.above(),
            linked: &linked,
            location: self.location,
            wanted: &wanted,
            envelope: &self.envelope,
            directives: &reading.directives,
            regions: &regions(),
            api_version: &api_version,
            entropy: &ENTROPY,
            now: self.now,
        })
    }

    /// What a GET of what stands shows.
    pub(crate) fn get(&self, expand: Option<&str>, facets: &[(String, Value)]) -> Value {
        let query = Query { expand: expand.map(str::to_owned), ..Query::default() };
        let stored = self.current.as_ref().unwrap();
        Value::Object(self.kind.show(&Show { stored, query: &query, facets }))
    }

    pub(crate) fn delete(&self) -> Result<Removal, Rejection> {
        self.delete_with(&Query::default())
    }

    pub(crate) fn delete_with(&self, query: &Query) -> Result<Removal, Rejection> {
        let stored = self.current.as_ref().unwrap();
        self.kind.delete(&Delete { stored, above: &self.above(), query, now: self.now })
    }

    /// What a POST of `action` with `body` comes to.
    pub(crate) fn act(&self, action: &str, body: Value) -> Result<Acted, Rejection> {
        let action = self.kind.actions().iter().find(|known| known.name == action).unwrap();
        let body = shape::read(action.body, &body, self.kind.subject())?.stored;
        self.kind.act(&Act {
            action: action.name,
            stored: self.current.as_ref().unwrap(),
            above: &self.above(),
            body: &body,
            base: "https://arm.example:8443",
            regions: &regions(),
            entropy: &ENTROPY,
            now: self.now,
        })
    }

    /// All it is nested in, the nearest first.
    fn above(&self) -> Vec<Stored> {
        self.parent.iter().chain(&self.grandparent).cloned().collect()
    }

    /// Asserts that a PUT is refused with this code, at this place, in words that hold `words`.
    pub(crate) fn check_refused(&self, properties: Value, code: &str, target: &str, words: &str) {
        check_refusal(&self.put(properties.clone()).expect_err(&properties.to_string()), code, target, words);
    }
}

pub(crate) fn check_refusal(refusal: &Rejection, code: &str, target: &str, words: &str) {
    assert_eq!(refusal.detail.code, code, "{refusal}");
    assert_eq!(
        refusal.detail.target.as_deref(),
        Some(target).filter(|target| !target.is_empty()),
        "{refusal}"
    );
    assert!(refusal.detail.message.contains(words), "{refusal}");
    let wanted = match code {
        "NotImplemented" => 501,
        "Conflict" | "OperationNotAllowed" | "DeleteGalleryImageVersionBlockedBeforeEndOfLife" => 409,
        "ResourceNotFound" => 404,
        _ => 400,
    };
    assert_eq!(refusal.status, wanted, "{refusal}");
}

/// `value` with the name of every member of `kind` in capitals; names that are the client's own stay.
pub(crate) fn shouted(kind: Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Object(fields), Value::Object(members)) => {
            let shouted_member = |(name, value): (&String, &Value)| {
                let field = fields.iter().find(|field| field.name == name);
                (name.to_uppercase(), field.map_or_else(|| value.clone(), |field| shouted(field.kind, value)))
            };
            Value::Object(members.iter().map(shouted_member).collect())
        }
        (Kind::List(kind), Value::Array(items)) => items.iter().map(|item| shouted(*kind, item)).collect(),
        (Kind::Map(kind), Value::Object(members)) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), shouted(*kind, value))).collect())
        }
        (_, other) => other.clone(),
    }
}
