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

    /// Whether the resource of this id has a location: some have one only in a subscription.
    fn is_located_at(&self, id: &ResourceId) -> bool {
        let _ = id;
        self.is_located()
    }

    /// Whether it stands in a subscription as well as in a group, so that a list of a subscription shows only those.
    fn is_scoped(&self) -> bool {
        false
    }

    /// Whether `properties.provisioningState` is shown.
    fn shows_state(&self) -> bool {
        true
    }

    /// Whether deleting it deletes what is in it; otherwise children forbid it.
    fn deletes_children(&self) -> bool {
        false
    }

    /// Whether it is a part of what it hangs on: then it does not keep that from being deleted, and goes with it.
    fn goes_with_parent(&self) -> bool {
        false
    }

    /// Whether DELETE answers 202 with an operation (already ended), as Azure's clients expect of this type.
    fn deletes_as_operation(&self) -> bool {
        true
    }

    /// The status of a PUT that is accepted: what Azure's clients take as success of this type differs.
    fn put_status(&self, is_new: bool) -> u16 {
        if is_new { 201 } else { 200 }
    }

    /// The word in the address of this type's operations (azure-api 2.1).
    fn operations(&self) -> &'static str {
        "operations"
    }

    /// Whether operations are addressed below the resource rather than below a location.
    fn operations_stand_below(&self) -> bool {
        false
    }

    /// Reads a body that is not quite JSON; `None` for types whose bodies are.
    fn read_body(&self, body: &[u8]) -> Option<Result<Map<String, Value>, Rejection>> {
        let _ = body;
        None
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

    /// Resources that a PUT has to know besides, whatever the body says: loaded without asking for a right,
    /// and handed on like the linked ones.
    fn companions(&self, id: &ResourceId) -> Vec<ResourceId> {
        let _ = id;
        Vec::new()
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
    fn delete(&self, delete: &Delete<'_>) -> Result<Removal, Rejection> {
        let _ = delete;
        Ok(Removal::Gone)
    }

    /// What can be asked of a resource by POST.
    fn actions(&self) -> &'static [Action] {
        &[]
    }

    /// Decides a POST of one of [`ResourceType::actions`].
    ///
    /// # Errors
    /// The rule that the request breaks.
    fn act(&self, act: &Act<'_>) -> Result<Acted, Rejection> {
        Err(Rejection::not_implemented(&format!("The action '{}' on '{}'", act.action, self.name())))
    }

    /// What can be asked by POST of a name, whether or not something stands there.
    fn questions(&self) -> &'static [Action] {
        &[]
    }

    /// Decides a POST of one of [`ResourceType::questions`]; it may answer a body or begin a job, and stores nothing.
    ///
    /// # Errors
    /// The rule that the request breaks.
    fn ask(&self, ask: &Ask<'_>) -> Result<Acted, Rejection> {
        Err(Rejection::not_implemented(&format!("The action '{}' on '{}'", ask.question, self.name())))
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
    /// All it is nested in, the nearest first: [`Put::parent`], then what that is nested in.
    pub above: &'a [Stored],
    /// The linked resources and companions that exist, by [`ResourceId::key`].
    pub linked: &'a HashMap<String, Stored>,
    /// The location asked for; valid, in the client's spelling. Empty for types without one.
    pub location: &'a str,
    /// The properties wanted: canonical spelling, read-only members from what stands, fixed ones kept.
    pub wanted: &'a Map<String, Value>,
    /// The further top-level members wanted, such as `sku`, likewise.
    pub envelope: &'a Map<String, Value>,
    /// Write-only members (`allowUpdateImage`, `restore`).
    pub directives: &'a Map<String, Value>,
    /// The regions of this installation.
    pub regions: &'a BTreeSet<Region>,
    /// The api-version of the request: some defaults changed with it.
    pub api_version: &'a ApiVersion,
    /// Random bytes of this request alone, for keys and names.
    pub entropy: &'a Entropy,
    /// The present.
    pub now: Timestamp,
}

/// Random bytes, fresh for each request.
pub type Entropy = [u8; 128];

/// All that a DELETE rule may know.
#[derive(Debug)]
pub struct Delete<'a> {
    /// What stands.
    pub stored: &'a Stored,
    /// All it is nested in, the nearest first. Empty when it goes together with all of that.
    pub above: &'a [Stored],
    /// What was asked.
    pub query: &'a Query,
    /// The present.
    pub now: Timestamp,
}

/// What a DELETE comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Removal {
    /// The resource goes.
    Gone,
    /// The resource goes, and what it was stands as another one, which takes over its holds.
    Becomes(Box<Stored>),
}

/// Something that can be asked of a resource by POST.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// The last segment of the path, in its published spelling.
    pub name: &'static str,
    /// The shape of the body.
    pub body: &'static [Field],
}

/// All that the rule of an action may know.
#[derive(Debug)]
pub struct Act<'a> {
    /// Which: the name of an [`Action`].
    pub action: &'static str,
    /// What stands.
    pub stored: &'a Stored,
    /// All it is nested in, the nearest first.
    pub above: &'a [Stored],
    /// The body in canonical spelling.
    pub body: &'a Map<String, Value>,
    /// `https://host:port` as the client reaches us.
    pub base: &'a str,
    /// The regions of this installation.
    pub regions: &'a BTreeSet<Region>,
    /// Random bytes of this request alone.
    pub entropy: &'a Entropy,
    /// The present.
    pub now: Timestamp,
}

/// All that the rule of a question may know.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Which: the name of an [`Action`].
    pub question: &'static str,
    /// What it is asked of.
    pub id: &'a ResourceId,
    /// The group it is in; it exists. `None` at the scope of a subscription.
    pub group: Option<&'a Stored>,
    /// The body in canonical spelling.
    pub body: &'a Map<String, Value>,
    /// `https://host:port` as the client reaches us.
    pub base: &'a str,
    /// The tenant of who asks.
    pub tenant_id: &'a str,
    /// Random bytes of this request alone.
    pub entropy: &'a Entropy,
    /// The present.
    pub now: Timestamp,
}

/// What an action comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acted {
    /// The properties to store; `None` keeps what stands.
    pub properties: Option<Map<String, Value>>,
    /// The server's own notes to store, secrets sealed; `None` keeps what stands.
    pub internal: Option<Map<String, Value>>,
    /// Words that must be this resource's alone; `None` keeps those that stand.
    pub claims: Option<Vec<String>>,
    /// The job that finishes it: the client polls.
    pub work: Option<Work>,
    /// A facet to write beside the row, also while a job runs: a word to that job.
    pub note: Option<(String, Value)>,
    /// What the client is told when there is no job. `{"secret": …}` with a sealed text becomes that text.
    pub answer: Answer,
}

/// How an action answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Answer {
    /// 200 without a body.
    #[default]
    Done,
    /// 204.
    NoContent,
    /// 200 with a body.
    Body(Value),
    /// 202 with an operation that has ended and answers this.
    Operation(Value),
}

/// The query options a GET came with, `$` cut off, in lower case by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `$expand`, compared without case.
    pub expand: Option<String>,
    /// `$select`, compared without case.
    pub select: Option<String>,
    /// `bypassSoftDelete=true` on a DELETE.
    pub bypass_soft_delete: bool,
    /// `https://host:port` as the client reaches us, for addresses in the answer.
    pub base: String,
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
    /// The further top-level members to store; `None` stores those wanted.
    pub envelope: Option<Map<String, Value>>,
    /// The server's own notes to store, secrets sealed as in [`Work::input`]; `None` keeps what stands.
    pub internal: Option<Map<String, Value>>,
    /// Words that must be this resource's alone, such as a gallery's name in its subscription.
    pub claims: Vec<String>,
    /// A resource, one of the linked or companions, that goes in the same moment; its holds pass on to this one.
    pub instead_of: Option<ResourceId>,
    /// What comes with a new one in the same moment: the children that every such resource has.
    pub brings: Vec<Stored>,
    /// The job that finishes it; without one it is finished now.
    pub work: Option<Work>,
}

/// A job to enqueue.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Its name in `workers::jobs()`.
    pub kind: &'static str,
    /// What it needs to know. Text members named `secret`, at any depth, are sealed before they are stored; a member
    /// `caller` that is null becomes `{objectId, tenantId, name, base}` of who asks.
    pub input: Value,
}
