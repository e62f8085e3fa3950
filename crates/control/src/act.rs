//! POST: something asked of a resource that stands. Decided on what stands, committed on what still stands.

use arm::ResourceId;
use metadata::{Change, Claim, Expect, JobId, JobState, NewJob, Row};
use providers::{Act, Acted, Answer, Ask, ResourceType, State, Stored, shape};
use serde_json::{Map, Value};

use crate::engine::Asked;
use crate::locks::{self, Intent};
use crate::write::RACES;
use crate::{
    Engine, Error, Reply, body, operation, policy, precondition, refusals, row_of, served, stored_of,
};

impl Engine {
    pub(crate) async fn act(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
        action: &str,
    ) -> Result<Reply, Error> {
        self.authority.check(asked.principal, &format!("{}/{action}/action", kind.name()), id)?;
        if let Some(question) = kind.questions().iter().find(|known| known.name.eq_ignore_ascii_case(action))
        {
            return self.ask(asked, kind, id, question).await;
        }
        let known = kind.actions().iter().find(|known| known.name.eq_ignore_ascii_case(action));
        let Some(action) = known else {
            self.existing(kind, id).await?;
            return Err(served::no_action(kind, action).into());
        };
        // Clients send nothing, or no media type, where nothing is to be said.
        let sent = match asked.request.body.is_empty() {
            true => Map::new(),
            false => body::members(asked.request, kind)?,
        };
        let body = shape::read(action.body, &Value::Object(sent), kind.subject())?.stored;
        locks::check(id, Intent::Write)?;
        for _ in 0..RACES {
            let row = self.existing(kind, id).await?;
            precondition::check(asked.request, Some(&row.etag))?;
            let stored = stored_of(&row)?;
            let mut acted = kind.act(&Act {
                action: action.name,
                stored: &stored,
                above: &self.above(&row.id).await?,
                body: &body,
                base: &asked.request.base,
                regions: &self.regions,
                entropy: &self.entropy(),
                now: self.clock.now(),
            })?;
            self.cover(&mut acted)?;
            if let Some((name, note)) = &acted.note {
                self.metadata.put_facet(&row.id, name, note).await?;
            }
            let Some(change) = self.change_by(asked, kind, &row, &stored, action.name, &acted)? else {
                return Ok(self.reply_to_act(asked, kind, &stored, acted.answer, None));
            };
            let job = change.jobs.first().cloned();
            match self.metadata.commit(change).await {
                Ok(()) => {
                    self.job_waiting().notify_one();
                    return Ok(self.reply_to_act(asked, kind, &stored, acted.answer, job.as_ref()));
                }
                // Decided on what no longer stands: decide again, conditions included.
                Err(metadata::Error::Stale(_) | metadata::Error::Absent(_)) => {}
                Err(metadata::Error::Taken { holder, .. }) => {
                    return Err(kind.taken(&stored.document.properties, id, &holder).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(refusals::busy(id).into())
    }

    /// A question to a name, whether or not something stands there.
    async fn ask(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        id: &ResourceId,
        question: &'static providers::Action,
    ) -> Result<Reply, Error> {
        kind.check_name(id.name())?;
        let sent = body::members(asked.request, kind)?;
        let body = shape::read(question.body, &Value::Object(sent), kind.subject())?.stored;
        self.subscription_is_known(id.subscription())?;
        let group = match self.group_exists(id).await? {
            Some(group) => self.metadata.row(&group).await?.as_ref().map(stored_of).transpose()?,
            None => None,
        };
        let mut acted = kind.ask(&Ask {
            question: question.name,
            id,
            group: group.as_ref(),
            body: &body,
            base: &asked.request.base,
            tenant_id: &asked.principal.tenant_id,
            entropy: &self.entropy(),
            now: self.clock.now(),
        })?;
        self.cover(&mut acted)?;
        let Some(work) = acted.work else {
            return Ok(match acted.answer {
                Answer::Body(body) => Reply::json(200, self.seal.opened(body)),
                _ => Reply::empty(200),
            });
        };
        let job = NewJob {
            kind: work.kind.to_owned(),
            input: asked.with_caller(work.input),
            state: JobState::Waiting,
            ..self.ended_job(asked, id)
        };
        let id_of_job = job.id;
        let activity = vec![self.activity(asked, kind, id, &format!("{}/action", question.name), "OK")];
        self.metadata.commit(Change { jobs: vec![job], activity, ..Change::default() }).await?;
        self.job_waiting().notify_one();
        let (base, version) = (&asked.request.base, asked.api_version.to_string());
        let result = operation::result_url(base, id, kind, "", id_of_job, &version);
        Ok(Reply::empty(202).with("location", result).with("retry-after", operation::RETRY_SECONDS))
    }

    fn cover(&self, acted: &mut Acted) -> Result<(), Error> {
        if let Some(internal) = &mut acted.internal {
            self.seal.cover_members(internal)?;
        }
        if let Some(work) = &mut acted.work {
            self.seal.cover_value(&mut work.input)?;
        }
        match &mut acted.answer {
            Answer::Operation(output) => self.seal.cover_value(output),
            Answer::Done | Answer::NoContent | Answer::Body(_) => Ok(()),
        }
    }

    /// What is to be committed; `None` when the action only reads.
    fn change_by(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        row: &Row,
        stored: &Stored,
        action: &str,
        acted: &Acted,
    ) -> Result<Option<Change>, Error> {
        let changes = acted.properties.is_some()
            || acted.internal.is_some()
            || acted.claims.is_some()
            || acted.work.is_some();
        if !matches!(acted.answer, Answer::Operation(_)) && !changes {
            return Ok(None);
        }
        if changes && row.operation.is_some() {
            return Err(refusals::busy(&row.id).into());
        }
        let now = self.clock.now();
        let job = match &acted.work {
            Some(work) => NewJob {
                id: JobId(self.ids.uuid()),
                kind: work.kind.to_owned(),
                target: row.id.clone(),
                input: asked.with_caller(work.input.clone()),
                state: JobState::Waiting,
                correlation_id: asked.request.correlation_id.clone(),
                created_at: now,
            },
            None => {
                let output = match &acted.answer {
                    Answer::Operation(output) => output.clone(),
                    Answer::Done | Answer::NoContent | Answer::Body(_) => Value::Null,
                };
                NewJob { state: JobState::Succeeded(output), ..self.ended_job(asked, &row.id) }
            }
        };
        let mut document = stored.document.clone();
        document.properties = acted.properties.clone().unwrap_or(document.properties);
        document.internal = acted.internal.clone().unwrap_or(document.internal);
        if acted.work.is_some() {
            document.state = State::Updating;
        }
        policy::check(&row.id, &document)?;
        let mut written = row_of(row, &document)?;
        if let Some(claims) = &acted.claims {
            written.claims = claims.iter().cloned().map(Claim).collect();
        }
        written.operation = acted.work.as_ref().map(|_work| job.id).or(row.operation);
        if changes {
            written.etag = self.ids.uuid().to_string();
            written.changed_at = now;
        }
        Ok(Some(Change {
            expect: vec![Expect::Unchanged(row.id.clone(), row.etag.clone())],
            put: if changes { vec![written] } else { Vec::new() },
            jobs: vec![job],
            activity: vec![self.activity(asked, kind, &row.id, &format!("{action}/action"), "OK")],
            ..Change::default()
        }))
    }

    fn reply_to_act(
        &self,
        asked: &Asked<'_>,
        kind: &'static dyn ResourceType,
        stored: &Stored,
        answer: Answer,
        job: Option<&NewJob>,
    ) -> Reply {
        let is_polled =
            |job: &&NewJob| job.state == JobState::Waiting || matches!(answer, Answer::Operation(_));
        if let Some(job) = job.filter(is_polled) {
            let (base, version) = (&asked.request.base, asked.api_version.to_string());
            let location = stored.document.location.as_deref().unwrap_or_default();
            let result = operation::result_url(base, &stored.id, kind, location, job.id, &version);
            let status = operation::status_url(base, &stored.id, kind, location, job.id, &version);
            return Reply::empty(202)
                .with("location", result)
                .with("azure-asyncoperation", status)
                .with("retry-after", operation::RETRY_SECONDS);
        }
        match answer {
            Answer::Body(body) => Reply::json(200, self.seal.opened(body)),
            Answer::NoContent => Reply::empty(204),
            Answer::Done | Answer::Operation(_) => Reply::empty(200),
        }
    }
}
