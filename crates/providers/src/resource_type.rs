//! What a resource type must say of itself; the engine does the rest.

use std::collections::{BTreeSet, HashMap};

use arm::{ApiVersion, Region, ResourceId, TypeName};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::shape::Field;
use crate::{Rejection, Stored};

/// A resource type: its words and its decisions.
pub trait ResourceType: Send + Sync {
    /// `Microsoft.Compute/galleries/images`.
    fn name(&self) -> TypeName;

    /// Every published api-version; all are answered in the newest shape (azure-api 1.8).
    fn api_versions(&self) -> &'static [&'static str];

    /// The first word of error targets: `galleryImage` in `galleryImage.properties.osType`.
    fn subject(&self) -> &'static str;

    /// The shape of `properties`.
    fn properties(&self) -> &'static [Field];

    /// The shape of further top-level members, such as `identity`.
    fn envelope(&self) -> &'static [Field] {
        &[]
    }

    /// Whether it has a location and needs one on PUT.
    fn is_located(&self) -> bool {
        true
    }

    /// Whether `properties.provisioningState` is shown.
    fn shows_state(&self) -> bool {
        true
    }

    /// Whether deleting it deletes what is in it; otherwise children forbid it.
    fn deletes_children(&self) -> bool {
        false
    }

    /// Whether DELETE answers 202 with an operation (already ended), as Azure's clients expect of this type.
    fn deletes_as_operation(&self) -> bool {
        true
    }

    /// Refuses names the type does not allow.
    ///
    /// # Errors
    /// The rule that the name breaks.
    fn check_name(&self, name: &str) -> Result<(), Rejection>;

    /// Orders siblings; by default as text without case.
    fn sort_key(&self, name: &str) -> String {
        name.to_ascii_lowercase()
    }

    /// Other resources this body points at: loaded and authorized by the engine, then handed to [`ResourceType::put`].
    ///
    /// # Errors
    /// When a reference is no resource id.
    fn links(&self, named: &Map<String, Value>) -> Result<Vec<Link>, Rejection> {
        let _ = named;
        Ok(Vec::new())
    }

    /// Decides a PUT, or a PATCH already merged onto what stands.
    ///
    /// # Errors
    /// The rule that the request breaks.
    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection>;

    /// Decides a DELETE; children and locks are the engine's.
    ///
    /// # Errors
    /// The rule that forbids it.
    fn delete(&self, delete: &Delete<'_>) -> Result<(), Rejection> {
        let _ = delete;
        Ok(())
    }

    /// Which facets [`ResourceType::show`] wants for this query, by prefix.
    fn facets(&self, query: &Query) -> Option<&'static str> {
        let _ = query;
        None
    }

    /// `properties` as this query is answered; by default as stored.
    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        show.stored.document.properties.clone()
    }

    /// The words of a refusal when `claim` is another resource's; `claim` is one that `put` answered with.
    fn taken(&self, stored: &Map<String, Value>, id: &ResourceId, holder: &ResourceId) -> Rejection {
        let _ = (stored, holder);
        Rejection::conflict("Conflict", format!("The name '{}' is already in use.", id.name()))
    }
}

/// A reference to another resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whom it names.
    pub id: ResourceId,
    /// The path in the body, for errors.
    pub target: String,
    /// The action the caller needs on it, `Microsoft.Compute/galleries/images/versions/read`.
    pub action: String,
}

/// All that a PUT rule may know.
#[derive(Debug)]
pub struct Put<'a> {
    /// The resource.
    pub id: &'a ResourceId,
    /// What stands, if it does.
    pub current: Option<&'a Stored>,
    /// The resource it is nested in (gallery, definition), if any; it exists.
    pub parent: Option<&'a Stored>,
    /// The linked resources that exist, by [`ResourceId::key`].
    pub linked: &'a HashMap<String, Stored>,
    /// The location asked for; valid, in the client's spelling. Empty for types without one.
    pub location: &'a str,
    /// The properties wanted: canonical spelling, read-only members from what stands, fixed ones kept.
    pub wanted: &'a Map<String, Value>,
    /// Write-only members (`allowUpdateImage`, `restore`).
    pub directives: &'a Map<String, Value>,
    /// The regions of this installation.
    pub regions: &'a BTreeSet<Region>,
    /// The api-version of the request: some defaults changed with it.
    pub api_version: &'a ApiVersion,
    /// The present.
    pub now: Timestamp,
}

/// All that a DELETE rule may know.
#[derive(Debug)]
pub struct Delete<'a> {
    /// What stands.
    pub stored: &'a Stored,
    /// The present.
    pub now: Timestamp,
}

/// The query options a GET came with, `$` cut off, in lower case by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `$expand`, compared without case.
    pub expand: Option<String>,
    /// `$select`, compared without case.
    pub select: Option<String>,
}

/// All that a reply may show.
#[derive(Debug)]
pub struct Show<'a> {
    /// The resource.
    pub stored: &'a Stored,
    /// What was asked.
    pub query: &'a Query,
    /// The facets that [`ResourceType::facets`] asked for.
    pub facets: &'a [(String, Value)],
}

/// A yes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accepted {
    /// The properties to store.
    pub properties: Map<String, Value>,
    /// The server's own notes to store, secrets sealed as in [`Work::input`]; `None` keeps what stands.
    pub internal: Option<Map<String, Value>>,
    /// Words that must be this resource's alone, such as a gallery's name in its subscription.
    pub claims: Vec<String>,
    /// The job that finishes it; without one it is finished now.
    pub work: Option<Work>,
}

/// A job to enqueue.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Its name in `workers::jobs()`.
    pub kind: &'static str,
    /// What it needs to know. Text members named `secret`, at any depth, are sealed before they are stored.
    pub input: Value,
}
