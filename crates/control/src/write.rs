//! PUT and PATCH: decide on what stands, commit on what still stands.

use arm::ResourceId;
use metadata::{ActivityEntry, Change, Expect};
use providers::{Query, ResourceType, Stored};
use serde_json::json;

use crate::decide::Outcome;
use crate::engine::Asked;
use crate::locks::{self, Intent};
use crate::read::envelope;
use crate::sent::Sent;
use crate::{Engine, Error, Reply, limits, operation, policy, refusals};

/// How often a write that lost a race is decided anew before the client is told.
pub(crate) const RACES: usize = 16;

impl Engine {
    pub(crate) async fn put(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
    ) -> Result<Reply, Error> {
        self.authority.check(asked.principal, &format!("{}/write", kind.name()), id)?;
        kind.check_name(id.name())?;
        let sent = Sent::of(asked.request, kind)?;
        locks::check(id, Intent::Write)?;
        for _ in 0..RACES {
            let outcome = self.decide_put(asked, kind, id, &sent).await?;
            if !outcome.is_changed {
                return Ok(reply_to_put(asked, kind, &outcome));
            }
            policy::check(id, &outcome.document)?;
            match self.metadata.commit(self.change_of(asked, kind, &outcome)).await {
                Ok(()) => {
                    if outcome.job.is_some() {
                        self.job_waiting().notify_one();
                    }
                    return Ok(reply_to_put(asked, kind, &outcome));
                }
                // Decided on what no longer stands: decide again, conditions included.
                Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => {}
                Err(metadata::Error::Taken { holder, .. }) => {
                    return Err(kind.taken(&outcome.document.properties, id, &holder).into());
                }
                Err(metadata::Error::OverLimit { current, most, .. }) => {
                    let location = outcome.document.location.as_deref();
                    return Err(limits::refuse(&kind.name(), location, current, most).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(refusals::busy(id).into())
    }

    fn change_of(&self, asked: &Asked<'_>, kind: &'static dyn ResourceType, outcome: &Outcome) -> Change {
        let id = &outcome.row.id;
        let (stands, status) = match &outcome.decided_on {
            None => (Expect::NoRow(id.clone()), "Created"),
            Some(etag) => (Expect::Unchanged(id.clone(), etag.clone()), "OK"),
        };
        // What contains the resource, and what it was made from, must not vanish meanwhile.
        let parent = id.parent().filter(|parent| parent.pairs().len() > 1);
        let needed = parent.into_iter().chain(outcome.linked.iter().cloned());
        Change {
            expect: std::iter::once(stands)
                .chain(needed.map(Expect::Exists))
                .chain(outcome.absent.iter().cloned().map(Expect::NoRow))
                .collect(),
            put: std::iter::once(&outcome.row).chain(&outcome.brings).cloned().collect(),
            delete: outcome.instead_of.iter().cloned().collect(),
            jobs: outcome.job.clone().into_iter().collect(),
            activity: vec![self.activity(asked, kind, id, "write", status)],
            limits: self.limits_on(&outcome.row),
            ..Change::default()
        }
    }

    pub(crate) fn activity(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
        verb: &str,
        status_code: &str,
    ) -> ActivityEntry {
        ActivityEntry {
            target: id.clone(),
            at: self.clock.now(),
            action: format!("{}/{verb}", kind.name()),
            caller: asked.principal.object_id.clone(),
            correlation_id: asked.request.correlation_id.clone(),
            document: json!({"status": "Accepted", "subStatus": status_code, "callerName": asked.principal.name}),
        }
    }
}

fn reply_to_put(asked: &Asked<'_>, kind: &'static dyn ResourceType, outcome: &Outcome) -> Reply {
    let stored = Stored { id: outcome.row.id.clone(), document: outcome.document.clone() };
    let is_new = outcome.decided_on.is_none() && outcome.instead_of.is_none();
    let status = kind.put_status(is_new);
    let query = Query { base: asked.request.base.clone(), ..Query::default() };
    let body = envelope(kind, &stored, &query, &[]);
    let reply = Reply::json(status, body).with("etag", format!("\"{}\"", outcome.row.etag));
    let Some(job) = outcome.row.operation else { return reply };
    // Only the operation, never a Location: clients would read the resource from there (azure-api 0.2).
    let (base, version) = (&asked.request.base, asked.api_version.to_string());
    let location = stored.document.location.as_deref().unwrap_or_default();
    let url = operation::status_url(base, &stored.id, kind, location, job, &version);
    reply.with("azure-asyncoperation", url).with("retry-after", operation::RETRY_SECONDS)
}
