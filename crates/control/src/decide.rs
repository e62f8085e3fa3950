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
use crate::{Engine, Error, Method, precondition, refusals, stored_of};

/// What a write came to: what is to be committed, or that nothing changes.
pub(crate) struct Outcome {
    pub(crate) row: Row,
    pub(crate) document: Document,
    pub(crate) job: Option<NewJob>,
    /// The resources the body points at, as far as they exist.
    pub(crate) linked: Vec<ResourceId>,
    /// The resource that goes in the same moment.
    pub(crate) instead_of: Option<ResourceId>,
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
        self.load_companions(kind, id, &mut linked).await?;
        let mut accepted = kind.put(&Put {
            id,
            current: current.as_ref(),
            parent: above.first(),
            above,
            linked: &linked,
            location: &location,
            wanted: &asks.properties,
            directives: &asks.directives,
            regions: &self.regions,
            api_version: asked.api_version,
            entropy: &self.entropy(),
            now: self.clock.now(),
        })?;
        self.seal.cover(&mut accepted)?;
        let location = kind.is_located_at(id).then_some(location);
        let wanted = Wanted { accepted, envelope: asks.envelope, tags, location };
        let instead_of = wanted.accepted.instead_of.clone();
        let mut outcome = self.outcome(asked, kind, standing.spelled(id), &standing, wanted)?;
        if let Some(gone) = &instead_of
            && let Some(row) = self.metadata.row(gone).await?
        {
            outcome.row.holds = row.holds;
        }
        Ok(Outcome { linked: linked.into_values().map(|stored| stored.id).collect(), instead_of, ..outcome })
    }

    /// Reads what stands; refuses when the subscription, the group or the parent does not.
    async fn standing(&self, kind: &'static dyn ResourceType, id: &ResourceId) -> Result<Standing, Error> {
        self.subscription_is_known(id.subscription())?;
        let row = self.metadata.row(id).await?;
        let group = if row.is_none() && !is_group(kind) { self.group_exists(id).await? } else { None };
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
            holds: row.map(|row| row.holds.clone()).unwrap_or_default(),
            created_at: row.map_or(now, |row| row.created_at),
            changed_at: now,
            id,
        };
        Ok(Outcome { row, document, job, linked: Vec::new(), instead_of: None, decided_on, is_changed })
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
    async fn load_companions(
        &self,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
        linked: &mut HashMap<String, Stored>,
    ) -> Result<(), Error> {
        for companion in kind.companions(id) {
            if let Some(row) = self.metadata.row(&companion).await? {
                linked.insert(companion.key(), stored_of(&row)?);
            }
        }
        Ok(())
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

fn document_of(asked: &Asked<'_>, stands: Option<&Document>, wanted: Wanted) -> Document {
    let Wanted { accepted, envelope, tags, location } = wanted;
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
