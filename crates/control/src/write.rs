//! PUT, PATCH and DELETE: decide on what stands, commit on what still stands.

use std::collections::{BTreeMap, HashMap};

use arm::{Region, ResourceId};
use metadata::{ActivityEntry, Change, Claim, Expect, JobId, JobState, NewJob, Row};
use providers::{Accepted, Delete, Document, Put, Query, ResourceType, State, Stored, shape};
use serde_json::{Map, Value, json};

use crate::engine::Asked;
use crate::locks::{self, Intent};
use crate::read::envelope;
use crate::{Engine, Error, Method, Reply, body, operation, policy, precondition, refusals, stored_of, tags};

/// How often a write that lost a race is decided anew before the client is told.
const RACES: usize = 16;

/// What a write came to: what is to be committed, or that nothing changes.
struct Outcome {
    row: Row,
    document: Document,
    job: Option<NewJob>,
    /// The etag this was decided on; `None` when nothing stood.
    decided_on: Option<String>,
    changed: bool,
    location: String,
}

impl Engine {
    pub(crate) async fn put(&self, asked: &Asked<'_>, kind: &'static dyn ResourceType, id: &ResourceId) -> Result<Reply, Error> {
        self.authority.check(asked.principal, &format!("{}/write", kind.name()), id)?;
        kind.check_name(id.name())?;
        let sent = body::object(&asked.request.body, asked.request.content_type.as_deref())?;
        locks::check(id, Intent::Write)?;
        for _ in 0..RACES {
            let outcome = self.decide_put(asked, kind, id, &sent).await?;
            if !outcome.changed {
                return Ok(self.reply_to_put(asked, kind, &outcome));
            }
            policy::check(id, &outcome.document)?;
            match self.metadata.commit(self.change_of(asked, kind, &outcome)).await {
                Ok(()) => {
                    if outcome.job.is_some() {
                        self.job_waiting().notify_one();
                    }
                    return Ok(self.reply_to_put(asked, kind, &outcome));
                }
                // Decided on what no longer stands: decide again, unless the client bound it to that state.
                Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) if !precondition::is_bound(asked.request) => {}
                Err(metadata::Error::Stale(_)) => {
                    return Err(refusals::precondition_failed("The resource was changed by another request. Read it again.").into());
                }
                Err(metadata::Error::Taken { holder, .. }) => {
                    return Err(kind.taken(&outcome.document.properties, id, &holder).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(refusals::busy(id).into())
    }

    async fn decide_put(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
        sent: &Map<String, Value>,
    ) -> Result<Outcome, Error> {
        self.subscription_is_known(id.subscription())?;
        let row = self.metadata.row(id).await?;
        let is_group = kind.name().is("Microsoft.Resources/resourceGroups");
        if row.is_none() && !is_group {
            self.group_exists(id).await?;
        }
        let parent = self.parent_of(id).await?;
        precondition::check(asked.request, row.as_ref().map(|row| row.etag.as_str()))?;
        let current = row.as_ref().map(stored_of).transpose()?;
        if current.is_none() && asked.request.method == Method::Patch {
            return Err(if is_group { refusals::group_not_found(id.name()) } else { refusals::not_found(id) }.into());
        }
        names_agree(id, sent)?;
        let location = self.location(kind, id, current.as_ref(), sent)?;
        let tags = match tags::read(sent.get("tags"))? {
            None if asked.request.method == Method::Patch => current.as_ref().and_then(|current| current.document.tags.clone()),
            tags => tags,
        };
        let asks = wanted(asked, kind, current.as_ref(), sent)?;
        let linked = self.linked(asked, kind, &asks.properties).await?;
        let put = Put {
            id,
            current: current.as_ref(),
            parent: parent.as_ref(),
            linked: &linked,
            location: &location,
            wanted: &asks.properties,
            directives: &asks.directives,
            regions: &self.regions,
            api_version: asked.api_version,
            now: self.clock.now(),
        };
        let accepted = kind.put(&put)?;
        // A child is spelled like the parents it was created under.
        let id = match (&row, &parent) {
            (Some(row), _) => row.id.clone(),
            (None, Some(parent)) if id.is_nested() => respelled(id, &parent.id),
            (None, _) => match self.group_exists(id).await {
                Ok(Some(group)) if !is_group => respelled(id, &group),
                _ => id.clone(),
            },
        };
        let located = kind.is_located().then_some(location);
        let stands = current.as_ref().map(|current| &current.document);
        self.outcome(asked, kind, id, row.as_ref(), stands, Wanted { accepted, envelope: asks.envelope, tags, location: located })
    }

    fn outcome(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: ResourceId,
        row: Option<&Row>,
        stands: Option<&Document>,
        wanted: Wanted,
    ) -> Result<Outcome, Error> {
        let Wanted { accepted, envelope, tags, location } = wanted;
        let now = self.clock.now();
        let state = match (stands.map(|document| document.state), &accepted.work) {
            (None, Some(_)) => State::Creating,
            (Some(_), Some(_)) => State::Updating,
            (None, None) => State::Succeeded,
            (Some(state), None) => state,
        };
        let document = Document {
            schema: Document::SCHEMA,
            location: stands.and_then(|document| document.location.clone()).or_else(|| location.clone()),
            tags,
            envelope,
            properties: accepted.properties,
            internal: accepted.internal.unwrap_or_else(|| stands.map(|document| document.internal.clone()).unwrap_or_default()),
            state,
            created_by: stands.map_or_else(|| asked.principal.object_id.clone(), |document| document.created_by.clone()),
        };
        let running = row.and_then(|row| row.operation);
        let unchanged = stands.is_some_and(|stands| same_but_state(stands, &document));
        if running.is_some() && !unchanged {
            return Err(refusals::busy(&id).into());
        }
        let job = accepted.work.filter(|_| !(unchanged && running.is_some())).map(|work| NewJob {
            id: JobId(self.ids.uuid()),
            kind: work.kind.to_owned(),
            target: id.clone(),
            input: work.input,
            state: JobState::Waiting,
            correlation_id: asked.request.correlation_id.clone(),
            created_at: now,
        });
        let changed = !unchanged || job.is_some();
        let decided_on = row.map(|row| row.etag.clone());
        let sort_key = kind.sort_key(id.name());
        let row = Row {
            sort_key,
            document: serde_json::to_value(&document).map_err(|error| Error::Internal(Box::new(error)))?,
            etag: if changed { self.ids.uuid().to_string() } else { row.map(|row| row.etag.clone()).unwrap_or_default() },
            operation: job.as_ref().map(|job| job.id).or(running),
            claims: accepted.claims.into_iter().map(Claim).collect(),
            holds: row.map(|row| row.holds.clone()).unwrap_or_default(),
            created_at: row.map_or(now, |row| row.created_at),
            changed_at: now,
            id,
        };
        let location = document.location.clone().unwrap_or_default();
        Ok(Outcome { row, document, job, decided_on, changed, location })
    }

    fn change_of(&self, asked: &Asked<'_>, kind: &'static dyn ResourceType, outcome: &Outcome) -> Change {
        let id = &outcome.row.id;
        let mut expect = vec![match &outcome.decided_on {
            None => Expect::NoRow(id.clone()),
            Some(etag) => Expect::Unchanged(id.clone(), etag.clone()),
        }];
        expect.extend(id.parent().filter(|parent| parent.pairs().len() > 1).map(Expect::Exists));
        Change {
            expect,
            put: vec![outcome.row.clone()],
            jobs: outcome.job.clone().into_iter().collect(),
            activity: vec![self.activity(asked, kind, id, "write", if outcome.decided_on.is_none() { "Created" } else { "OK" })],
            ..Change::default()
        }
    }

    fn activity(&self, asked: &Asked<'_>, kind: &'static dyn ResourceType, id: &ResourceId, verb: &str, status_code: &str) -> ActivityEntry {
        ActivityEntry {
            target: id.clone(),
            at: self.clock.now(),
            action: format!("{}/{verb}", kind.name()),
            caller: asked.principal.object_id.clone(),
            correlation_id: asked.request.correlation_id.clone(),
            document: json!({"status": "Accepted", "subStatus": status_code, "callerName": asked.principal.name}),
        }
    }

    fn reply_to_put(&self, asked: &Asked<'_>, kind: &'static dyn ResourceType, outcome: &Outcome) -> Reply {
        let stored = Stored { id: outcome.row.id.clone(), document: outcome.document.clone() };
        let status = if outcome.decided_on.is_none() { 201 } else { 200 };
        let body = envelope(kind, &stored, &Query::default(), &[]);
        let reply = Reply::json(status, body).with("etag", format!("\"{}\"", outcome.row.etag));
        let Some(job) = outcome.row.operation else { return reply };
        // Only the operation, never a Location: clients would read the resource from there (azure-api 0.2).
        let (base, version) = (&asked.request.base, asked.api_version.to_string());
        let url = operation::status_url(base, &stored.id, &kind.name(), &outcome.location, job, &version);
        reply.with("azure-asyncoperation", url).with("retry-after", operation::RETRY_SECONDS)
    }

    pub(crate) async fn delete(&self, asked: &Asked<'_>, kind: &'static dyn ResourceType, id: &ResourceId) -> Result<Reply, Error> {
        self.authority.check(asked.principal, &format!("{}/delete", kind.name()), id)?;
        locks::check(id, Intent::Delete)?;
        for _ in 0..RACES {
            self.subscription_is_known(id.subscription())?;
            let Some(row) = self.metadata.row(id).await? else {
                precondition::check(asked.request, None)?;
                self.group_exists(id).await?;
                return Ok(Reply::empty(204));
            };
            precondition::check(asked.request, Some(&row.etag))?;
            let stored = stored_of(&row)?;
            kind.delete(&Delete { stored: &stored, now: self.clock.now() })?;
            let job = kind.deletes_as_operation().then(|| self.ended_job(asked, &row.id));
            let change = self.removal(asked, kind, &row, job.clone());
            match self.metadata.commit(change).await {
                Ok(()) => {
                    self.bytes_released().notify_one();
                    return Ok(self.reply_to_delete(asked, kind, &stored, job.as_ref()));
                }
                Err(metadata::Error::HasChildren { children, .. }) => return Err(refusals::children_exist(&children).into()),
                Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) if !precondition::is_bound(asked.request) => {}
                Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => {
                    return Err(refusals::precondition_failed("The resource was changed by another request. Read it again.").into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(refusals::busy(id).into())
    }

    fn removal(&self, asked: &Asked<'_>, kind: &'static dyn ResourceType, row: &Row, job: Option<NewJob>) -> Change {
        let whole = kind.deletes_children();
        Change {
            expect: vec![Expect::Unchanged(row.id.clone(), row.etag.clone())],
            delete: if whole { Vec::new() } else { vec![row.id.clone()] },
            delete_within: if whole { vec![row.id.clone()] } else { Vec::new() },
            jobs: job.into_iter().collect(),
            activity: vec![self.activity(asked, kind, &row.id, "delete", "OK")],
            ..Change::default()
        }
    }

    /// The operation of a delete that is done with its request: clients poll it once.
    fn ended_job(&self, asked: &Asked<'_>, id: &ResourceId) -> NewJob {
        NewJob {
            id: JobId(self.ids.uuid()),
            kind: "delete".to_owned(),
            target: id.clone(),
            input: Value::Null,
            state: JobState::Succeeded(Value::Null),
            correlation_id: asked.request.correlation_id.clone(),
            created_at: self.clock.now(),
        }
    }

    fn reply_to_delete(&self, asked: &Asked<'_>, kind: &'static dyn ResourceType, stored: &Stored, job: Option<&NewJob>) -> Reply {
        let Some(job) = job else { return Reply::empty(200) };
        let location = stored.document.location.as_deref().unwrap_or_default();
        let (base, version, name) = (&asked.request.base, asked.api_version.to_string(), kind.name());
        let result = operation::result_url(base, &stored.id, &name, location, job.id, &version);
        let reply = Reply::empty(202).with("location", result).with("retry-after", operation::RETRY_SECONDS);
        if kind.deletes_children() {
            // Groups are polled by Location alone (azure-api 2.2).
            return reply;
        }
        reply.with("azure-asyncoperation", operation::status_url(base, &stored.id, &name, location, job.id, &version))
    }

    async fn parent_of(&self, id: &ResourceId) -> Result<Option<Stored>, Error> {
        let Some(parent) = id.parent().filter(|parent| parent.pairs().len() > 2) else { return Ok(None) };
        let row = self.metadata.row(&parent).await?.ok_or_else(|| refusals::parent_not_found(&parent))?;
        stored_of(&row).map(Some)
    }

    /// The location of a write: sent and valid, the same as what stands, or taken from what stands.
    fn location(
        &self,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
        current: Option<&Stored>,
        sent: &Map<String, Value>,
    ) -> Result<String, Error> {
        if !kind.is_located() {
            return Ok(String::new());
        }
        let asked = sent.get("location").filter(|value| !value.is_null()).map(|value| value.as_str().unwrap_or_default());
        let stands = current.and_then(|current| current.document.location.as_deref());
        let region = |text: &str| text.parse::<Region>().ok();
        match (stands, asked) {
            (Some(stands), Some(asked)) if region(stands) != region(asked) => Err(refusals::location_differs(id, stands, asked).into()),
            (Some(stands), _) => Ok(stands.to_owned()),
            (None, None | Some("")) => Err(refusals::location_required().into()),
            (None, Some(asked)) if region(asked).is_some_and(|region| self.regions.contains(&region)) => Ok(asked.to_owned()),
            (None, Some(asked)) => {
                let known: Vec<&str> = self.regions.iter().map(Region::as_str).collect();
                let shown: String = asked.chars().filter(|c| !c.is_control()).take(64).collect();
                Err(refusals::location_unavailable(&shown, kind.name().as_str(), &known.join(",")).into())
            }
        }
    }

    /// The resources the body points at: the caller may use them, and those that exist are loaded.
    async fn linked(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        wanted: &Map<String, Value>,
    ) -> Result<HashMap<String, Stored>, Error> {
        let mut linked = HashMap::new();
        for link in kind.links(wanted)? {
            self.authority.check_link(asked.principal, &link.action, &link.id)?;
            if let Some(row) = self.metadata.row(&link.id).await? {
                linked.insert(link.id.key(), stored_of(&row)?);
            }
        }
        Ok(linked)
    }
}

/// A body read against the shapes of its type, on top of what stands.
struct Asks {
    properties: Map<String, Value>,
    envelope: Map<String, Value>,
    directives: Map<String, Value>,
}

fn wanted(
    asked: &Asked<'_>,
    kind: &'static dyn ResourceType,
    current: Option<&Stored>,
    sent: &Map<String, Value>,
) -> Result<Asks, Error> {
    let subject = kind.subject();
    let path = format!("{subject}.properties");
    let empty = Value::Object(Map::new());
    let properties = sent.get("properties").filter(|value| !value.is_null()).unwrap_or(&empty);
    let mut read = shape::read(kind.properties(), properties, &path)?;
    let further = sent.iter().filter(|(name, _)| !is_known_member(name));
    let further = Value::Object(further.map(|(name, value)| (name.clone(), value.clone())).collect());
    let mut envelope = shape::read(kind.envelope(), &further, subject)?.stored;
    let stands = current.map(|current| &current.document);
    if let (Method::Patch, Some(stands)) = (asked.request.method, stands) {
        read.stored = shape::merge(&stands.properties, read.stored);
        envelope = shape::merge(&stands.envelope, envelope);
    }
    let properties = shape::settle(kind.properties(), stands.map(|stands| &stands.properties), read.stored, &path)?;
    let envelope = shape::settle(kind.envelope(), stands.map(|stands| &stands.envelope), envelope, subject)?;
    Ok(Asks { properties, envelope, directives: read.directives })
}

struct Wanted {
    accepted: Accepted,
    envelope: Map<String, Value>,
    tags: Option<BTreeMap<String, String>>,
    location: Option<String>,
}

/// Refuses a body whose id or name is another than the URL's.
fn names_agree(id: &ResourceId, sent: &Map<String, Value>) -> Result<(), Error> {
    let differs = |member: &str, wanted: &str| {
        let value = sent.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        value.is_some_and(|value| !value.eq_ignore_ascii_case(wanted))
    };
    if differs("id", &id.to_string()) || differs("name", id.name()) {
        let message = format!("The id or name in the request content does not match the request URL '{id}'.");
        return Err(refusals::invalid_content(message).into());
    }
    Ok(())
}

fn is_known_member(name: &str) -> bool {
    ["id", "name", "type", "location", "tags", "properties"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// `id` with the leading pairs spelled as in `parent`.
fn respelled(id: &ResourceId, parent: &ResourceId) -> ResourceId {
    let pairs = parent.pairs().iter().chain(&id.pairs()[parent.pairs().len()..]).cloned().collect();
    ResourceId::from_pairs(pairs).unwrap_or_else(|_shape| id.clone())
}

fn same_but_state(a: &Document, b: &Document) -> bool {
    a.properties == b.properties && a.tags == b.tags && a.envelope == b.envelope && a.internal == b.internal
}
