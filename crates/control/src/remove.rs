//! DELETE: at once, with an operation that has already ended for clients that poll one.

use arm::ResourceId;
use metadata::{Change, Expect, JobId, JobState, Listing, NewJob, Row};
use providers::{Delete, Query, Removal, ResourceType, Stored};
use serde_json::Value;

use crate::engine::Asked;
use crate::locks::{self, Intent};
use crate::write::RACES;
use crate::{Engine, Error, Reply, limits, operation, policy, precondition, refusals, stored_of};

/// Parts of one type that one resource may have, and more than any has.
const MOST_PARTS: u32 = 16;

impl Engine {
    pub(crate) async fn delete(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
    ) -> Result<Reply, Error> {
        self.authority.check(asked.principal, &format!("{}/delete", kind.name()), id)?;
        locks::check(id, Intent::Delete)?;
        for _ in 0..RACES {
            self.subscription_is_known(id.subscription())?;
            let row = self.metadata.row(id).await?;
            precondition::check(asked.request, row.as_ref().map(|row| row.etag.as_str()))?;
            let Some(row) = row else {
                self.group_exists(id).await?;
                return Ok(Reply::empty(204));
            };
            let stored = stored_of(&row)?;
            let above = self.above(&row.id).await?;
            let query = &asked.options.query;
            let now = self.clock.now();
            let removal = kind.delete(&Delete { stored: &stored, above: &above, query, now })?;
            if kind.deletes_children() {
                self.everything_may_go(&row.id).await?;
            }
            policy::check(&row.id, &stored.document)?;
            let job = kind.deletes_as_operation().then(|| self.ended_job(asked, &row.id));
            let mut change = self.removal(asked, kind, &row, removal, job.clone())?;
            change.delete.extend(self.parts_of(&row.id).await?);
            match self.metadata.commit(change).await {
                Ok(()) => {
                    self.bytes_released().notify_one();
                    return Ok(reply_to_delete(asked, kind, &stored, job.as_ref()));
                }
                Err(metadata::Error::HasChildren { children, .. }) => {
                    return Err(refusals::children_exist(&children).into());
                }
                // Decided on what no longer stands: decide again, conditions included.
                Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(refusals::busy(id).into())
    }

    /// What goes with `id`; what comes to it meanwhile keeps it from going.
    async fn parts_of(&self, id: &ResourceId) -> Result<Vec<ResourceId>, Error> {
        let mut parts = Vec::new();
        for kind in self.registry.parts() {
            let listing =
                Listing::Children { parent: id.clone(), type_name: kind.name().as_str().to_owned() };
            let rows = self.metadata.list(&listing, None, MOST_PARTS).await?;
            parts.extend(rows.into_iter().map(|row| row.id));
        }
        Ok(parts)
    }

    /// Refuses when something within `scope` may not be deleted: a scope is no way around its rules.
    async fn everything_may_go(&self, scope: &ResourceId) -> Result<(), Error> {
        let listing = Listing::Within { scope: scope.clone() };
        let mut cursor = None;
        loop {
            let rows = self.metadata.list(&listing, cursor.as_ref(), 500).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            cursor = Some(listing.cursor_after(last));
            for row in &rows {
                let kind = self.registry.named(&row.id.type_name());
                let stored = stored_of(row)?;
                locks::check(&row.id, Intent::Delete)?;
                if let Some(kind) = kind {
                    let (query, now) = (&Query::default(), self.clock.now());
                    // Whatever it would become goes too.
                    kind.delete(&Delete { stored: &stored, above: &[], query, now })?;
                }
            }
        }
    }

    fn removal(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        row: &Row,
        removal: Removal,
        job: Option<NewJob>,
    ) -> Result<Change, Error> {
        let whole = kind.deletes_children();
        let mut expect = vec![Expect::Unchanged(row.id.clone(), row.etag.clone())];
        let put = match removal {
            Removal::Gone => Vec::new(),
            Removal::Becomes(stored) => {
                expect.extend(stored.id.parent().map(Expect::Exists));
                expect.push(Expect::NoRow(stored.id.clone()));
                vec![self.successor(row, *stored)?]
            }
        };
        Ok(Change {
            expect,
            put,
            delete: if whole { Vec::new() } else { vec![row.id.clone()] },
            delete_within: if whole { vec![row.id.clone()] } else { Vec::new() },
            jobs: job.into_iter().collect(),
            activity: vec![self.activity(asked, kind, &row.id, "delete", "OK")],
            ..Change::default()
        })
    }

    /// The row of what `row` becomes: its holds pass on, its claims and its operation do not.
    fn successor(&self, row: &Row, stored: Stored) -> Result<Row, Error> {
        let kind = self.registry.named(&stored.id.type_name());
        let name = stored.id.name();
        let next = Row {
            sort_key: kind.map_or_else(|| row.sort_key.clone(), |kind| kind.sort_key(name)),
            etag: self.ids.uuid().to_string(),
            operation: None,
            claims: Vec::new(),
            counted: limits::counted(&stored.id.type_name(), &stored.id, stored.document.location.as_deref()),
            changed_at: self.clock.now(),
            id: stored.id,
            ..row.clone()
        };
        crate::row_of(&next, &stored.document)
    }

    /// The operation of a delete that is done with its request: clients poll it once.
    pub(crate) fn ended_job(&self, asked: &Asked<'_>, id: &ResourceId) -> NewJob {
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
}

/// The answer to a DELETE of `stored` that was done, with its operation where there is one.
pub(crate) fn reply_to_delete(
    asked: &Asked<'_>,
    kind: &'static dyn ResourceType,
    stored: &Stored,
    job: Option<&NewJob>,
) -> Reply {
    let Some(job) = job else { return Reply::empty(200) };
    let location = stored.document.location.as_deref().unwrap_or_default();
    let (base, version) = (&asked.request.base, asked.api_version.to_string());
    let result = operation::result_url(base, &stored.id, kind, location, job.id, &version);
    let reply = Reply::empty(202).with("location", result).with("retry-after", operation::RETRY_SECONDS);
    if kind.deletes_children() {
        // Groups are polled by Location alone (azure-api 2.2).
        return reply;
    }
    let status = operation::status_url(base, &stored.id, kind, location, job.id, &version);
    reply.with("azure-asyncoperation", status)
}
