//! What a PUT or PATCH comes to: the row it would leave and the job that goes on with it.
//!
//! Nothing is written here, so that a write that lost a race can be decided again on what stands then.

use std::collections::{BTreeMap, HashMap};

use arm::{Region, ResourceId};
use metadata::{Claim, JobId, JobState, NewJob, Row};
use providers::{Accepted, Document, Put, ResourceType, State, Stored};
use serde_json::{Map, Value};

use crate::engine::Asked;
use crate::sent::Sent;
use crate::{Engine, Error, Method, limits, precondition, refusals, row_of, stored_of};

/// What a write came to: what is to be committed, or that nothing changes.
pub(crate) struct Outcome {
    pub(crate) row: Row,
    pub(crate) document: Document,
    pub(crate) job: Option<NewJob>,
    /// The resources the body points at, as far as they exist.
    pub(crate) linked: Vec<ResourceId>,
    /// What the decision took to be absent.
    pub(crate) absent: Vec<ResourceId>,
    /// The resource that goes in the same moment, whose place this takes.
    pub(crate) instead_of: Option<ResourceId>,
    /// The rows that come with a new resource.
    pub(crate) brings: Vec<Row>,
    /// The etag this was decided on; `None` when nothing stood.
    pub(crate) decided_on: Option<String>,
    pub(crate) is_changed: bool,
}

/// What stands before a write, and around it.
struct Standing {
    row: Option<Row>,
    current: Option<Stored>,
    /// All it is nested in, the nearest first.
    above: Vec<Stored>,
    /// The group of a resource that does not stand yet, in its own spelling.
    group: Option<ResourceId>,
}

/// What the type's rules accepted, and the members that are not theirs.
struct Wanted {
    accepted: Accepted,
    envelope: Map<String, Value>,
    tags: Option<BTreeMap<String, String>>,
    location: Option<String>,
    /// The resource whose place it takes, as it stands.
    replaced: Option<(Row, Stored)>,
}

impl Engine {
    pub(crate) async fn decide_put(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
        sent: &Sent,
    ) -> Result<Outcome, Error> {
        let standing = self.standing(kind, id).await?;
        let Standing { row, current, above, .. } = &standing;
        let method = asked.request.method;
        precondition::check(asked.request, row.as_ref().map(|row| row.etag.as_str()))?;
        if current.is_none() && method == Method::Patch {
            let is_group = is_group(kind);
            return Err(if is_group {
                refusals::group_not_found(id.name())
            } else {
                refusals::not_found(id)
            }
            .into());
        }
        sent.names_agree(id)?;
        let location = self.location(kind, id, current.as_ref(), sent)?;
        let kept = current.as_ref().filter(|_| method == Method::Patch);
        let tags = sent.tags()?.or_else(|| kept.and_then(|current| current.document.tags.clone()));
        let asks = sent.asks(kind, method, current.as_ref())?;
        // What an update leaves unnamed it does not use anew, and needs no right to (azure-api 4.1).
        let mut linked = self.linked(asked, kind, &asks.named).await?;
        let absent = self.load_companions(kind, id, &mut linked).await?;
        let mut accepted = kind.put(&Put {
            id,
            current: current.as_ref(),
            parent: above.first(),
            above,
            linked: &linked,
            location: &location,
            wanted: &asks.properties,
            envelope: &asks.envelope,
            directives: &asks.directives,
            regions: &self.regions,
            api_version: asked.api_version,
            entropy: &self.entropy(),
            now: self.clock.now(),
        })?;
        self.seal.cover(&mut accepted)?;
        let location = kind.is_located_at(id).then_some(location);
        let instead_of = accepted.instead_of.clone();
        let replaced = self.replaced(instead_of.as_ref()).await?;
        let envelope = accepted.envelope.take().unwrap_or(asks.envelope);
        let wanted = Wanted { accepted, envelope, tags, location, replaced };
        let outcome = self.outcome(asked, kind, standing.spelled(id), &standing, wanted)?;
        let linked = linked.into_values().map(|stored| stored.id).collect();
        Ok(Outcome { linked, absent, instead_of, ..outcome })
    }

    /// The resource whose place is taken; one that has gone meanwhile makes the commit fail.
    async fn replaced(&self, instead_of: Option<&ResourceId>) -> Result<Option<(Row, Stored)>, Error> {
        let Some(id) = instead_of else { return Ok(None) };
        let row = self.metadata.row(id).await?;
        row.map(|row| stored_of(&row).map(|stored| (row, stored))).transpose()
    }

    /// Reads what stands; refuses when the subscription, the group or the parent does not.
    async fn standing(&self, kind: &'static dyn ResourceType, id: &ResourceId) -> Result<Standing, Error> {
        self.subscription_is_known(id.subscription())?;
        let row = self.metadata.row(id).await?;
        let group = if row.is_none() && !is_group(kind) { self.group_exists(id).await? } else { None };
        if row.is_none() && group.is_none() && kind.is_located() && !is_group(kind) {
            // What has a location stands in a group: that is where it is listed and with what it goes.
            return Err(refusals::path_not_found().into());
        }
        let above = self.above(id).await?;
        if let Some(parent) = id.parent().filter(|parent| parent.pairs().len() > 2)
            && above.first().is_none_or(|found| found.id != parent)
        {
            return Err(refusals::parent_not_found(&parent).into());
        }
        let current = row.as_ref().map(stored_of).transpose()?;
        Ok(Standing { row, current, above, group })
    }

    fn outcome(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: ResourceId,
        standing: &Standing,
        wanted: Wanted,
    ) -> Result<Outcome, Error> {
        let row = standing.row.as_ref();
        let stands = standing.current.as_ref().map(|current| &current.document);
        let now = self.clock.now();
        let work = wanted.accepted.work.clone();
        let claims = wanted.accepted.claims.iter().cloned().map(Claim).collect();
        let replaced = wanted.replaced.as_ref().map(|(row, _)| row.clone());
        let brings = wanted.accepted.brings.clone();
        let document = document_of(asked, stands, wanted);
        let running = row.and_then(|row| row.operation);
        let is_same = stands.is_some_and(|stands| same_but_state(stands, &document));
        if running.is_some() && !is_same {
            return Err(refusals::busy(&id).into());
        }
        let job = work.filter(|_| running.is_none()).map(|work| NewJob {
            id: JobId(self.ids.uuid()),
            kind: work.kind.to_owned(),
            target: id.clone(),
            input: asked.with_caller(work.input),
            state: JobState::Waiting,
            correlation_id: asked.request.correlation_id.clone(),
            created_at: now,
        });
        let is_changed = !is_same || job.is_some();
        let decided_on = row.map(|row| row.etag.clone());
        let etag = match &decided_on {
            Some(etag) if !is_changed => etag.clone(),
            _ => self.ids.uuid().to_string(),
        };
        let row = Row {
            sort_key: kind.sort_key(id.name()),
            document: serde_json::to_value(&document).map_err(|error| Error::Internal(Box::new(error)))?,
            etag,
            operation: job.as_ref().map(|job| job.id).or(running),
            claims,
            holds: replaced.as_ref().or(row).map(|row| row.holds.clone()).unwrap_or_default(),
            counted: limits::counted(&kind.name(), &id, document.location.as_deref()),
            created_at: row.or(replaced.as_ref()).map_or(now, |row| row.created_at),
            changed_at: now,
            id,
        };
        let brings = if decided_on.is_none() { brings } else { Vec::new() };
        let brings = brings.into_iter().map(|stored| self.brought(&row, stored)).collect::<Result<_, _>>()?;
        Ok(Outcome {
            row,
            document,
            job,
            linked: Vec::new(),
            absent: Vec::new(),
            instead_of: None,
            brings,
            decided_on,
            is_changed,
        })
    }

    /// The row of what comes with the new resource `with`.
    fn brought(&self, with: &Row, stored: Stored) -> Result<Row, Error> {
        let kind = self.registry.named(&stored.id.type_name());
        let name = stored.id.name();
        let row = Row {
            sort_key: kind.map_or_else(|| name.to_ascii_lowercase(), |kind| kind.sort_key(name)),
            etag: self.ids.uuid().to_string(),
            operation: None,
            claims: Vec::new(),
            counted: limits::counted(&stored.id.type_name(), &stored.id, stored.document.location.as_deref()),
            holds: Vec::new(),
            id: stored.id,
            ..with.clone()
        };
        row_of(&row, &stored.document)
    }

    /// The location of a write: sent and valid, the same as what stands, or taken from what stands.
    fn location(
        &self,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
        current: Option<&Stored>,
        sent: &Sent,
    ) -> Result<String, Error> {
        if !kind.is_located_at(id) {
            return Ok(String::new());
        }
        let asked = sent.location()?;
        let stands = current.and_then(|current| current.document.location.as_deref());
        let region = |text: &str| text.parse::<Region>().ok();
        match (stands, asked) {
            (Some(stands), Some(asked)) if region(stands) != region(asked) => {
                Err(refusals::location_differs(id, stands, &shown(asked)).into())
            }
            (Some(stands), _) => Ok(stands.to_owned()),
            (None, None) => Err(refusals::location_required().into()),
            (None, Some(asked)) if region(asked).is_some_and(|region| self.regions.contains(&region)) => {
                Ok(asked.to_owned())
            }
            (None, Some(asked)) => {
                let known: Vec<&str> = self.regions.iter().map(Region::as_str).collect();
                Err(refusals::location_unavailable(&shown(asked), kind.name().as_str(), &known.join(","))
                    .into())
            }
        }
    }

    /// The resources the body points at: the caller may use them, and those that exist are loaded.
    async fn linked(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        named: &Map<String, Value>,
    ) -> Result<HashMap<String, Stored>, Error> {
        let mut linked = HashMap::new();
        for link in kind.links(named)? {
            self.authority.check_link(asked.principal, &link.action, &link.id)?;
            if let Some(row) = self.metadata.row(&link.id).await? {
                linked.insert(link.id.key(), stored_of(&row)?);
            }
        }
        Ok(linked)
    }
}

impl Engine {
    /// Loads the companions that exist; answers the others.
    async fn load_companions(
        &self,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
        linked: &mut HashMap<String, Stored>,
    ) -> Result<Vec<ResourceId>, Error> {
        let mut absent = Vec::new();
        for companion in kind.companions(id) {
            match self.metadata.row(&companion).await? {
                Some(row) => drop(linked.insert(companion.key(), stored_of(&row)?)),
                None => absent.push(companion),
            }
        }
        Ok(absent)
    }
}

impl Standing {
    /// `id` as it is spelled from now on: as it was created, below parents as they were created.
    fn spelled(&self, id: &ResourceId) -> ResourceId {
        let above = self.above.first().map(|parent| &parent.id).or(self.group.as_ref());
        match (&self.row, above) {
            (Some(row), _) => row.id.clone(),
            (None, Some(above)) => respelled(id, above),
            (None, None) => id.clone(),
        }
    }
}

/// The document that is left; what takes the place of another resource goes on from that one.
fn document_of(asked: &Asked<'_>, stands: Option<&Document>, wanted: Wanted) -> Document {
    let Wanted { accepted, envelope, tags, location, replaced } = wanted;
    let replaced = replaced.map(|(_, stored)| stored.document);
    let tags = match &replaced {
        // Clients that only ask for it send none.
        Some(document) if tags.as_ref().is_none_or(BTreeMap::is_empty) => document.tags.clone(),
        _ => tags,
    };
    let stands = stands.or(replaced.as_ref());
    let state = match (stands.map(|document| document.state), &accepted.work) {
        (None, Some(_)) => State::Creating,
        (Some(_), Some(_)) => State::Updating,
        (None, None) => State::Succeeded,
        (Some(state), None) => state,
    };
    let kept = || stands.map(|document| document.internal.clone()).unwrap_or_default();
    let caller = &asked.principal.object_id;
    Document {
        schema: Document::SCHEMA,
        location: stands.and_then(|document| document.location.clone()).or(location),
        tags,
        envelope,
        properties: accepted.properties,
        internal: accepted.internal.unwrap_or_else(kept),
        state,
        created_by: stands.map_or_else(|| caller.clone(), |document| document.created_by.clone()),
    }
}

fn is_group(kind: &dyn ResourceType) -> bool {
    kind.name().is("Microsoft.Resources/resourceGroups")
}

/// `id` with the leading pairs spelled as in `above`.
fn respelled(id: &ResourceId, above: &ResourceId) -> ResourceId {
    let pairs = above.pairs().iter().chain(&id.pairs()[above.pairs().len()..]).cloned().collect();
    ResourceId::from_pairs(pairs).unwrap_or_else(|_shape| id.clone())
}

fn same_but_state(a: &Document, b: &Document) -> bool {
    a.properties == b.properties && a.tags == b.tags && a.envelope == b.envelope && a.internal == b.internal
}

/// A client's words, fit to be repeated in a message.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
