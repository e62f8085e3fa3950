//! Long-running operations as clients see them: views of job rows.

use arm::{ErrorDetail, Region, ResourceId, wire_time};
use jiff::Timestamp;
use metadata::{ActivityEntry, Job, JobId, JobState};
use providers::ResourceType;
use serde_json::{Value, json};

use crate::reply::Reply;
use crate::{Engine, Error, refusals};

/// Seconds a client should wait before it asks again.
pub(crate) const RETRY_SECONDS: &str = "1";

/// The URL a client polls for `job` (`Azure-AsyncOperation`).
pub(crate) fn status_url(
    base: &str,
    id: &ResourceId,
    kind: &dyn ResourceType,
    location: &str,
    job: JobId,
    api_version: &str,
) -> String {
    if kind.operations_stand_below() {
        return format!("{base}{id}/{}/{job}?api-version={api_version}", kind.operations());
    }
    let subscription = id.subscription().unwrap_or_default();
    let location =
        location.parse::<Region>().map_or_else(|_| "global".to_owned(), |region| region.to_string());
    format!(
        "{base}/subscriptions/{subscription}/providers/{}/locations/{location}/{}/{job}?api-version={api_version}",
        kind.name().namespace(),
        kind.operations(),
    )
}

/// The URL that answers with the outcome alone (`Location`).
pub(crate) fn result_url(
    base: &str,
    id: &ResourceId,
    kind: &dyn ResourceType,
    location: &str,
    job: JobId,
    api_version: &str,
) -> String {
    if kind.name().is("Microsoft.Resources/resourceGroups") {
        let subscription = id.subscription().unwrap_or_default();
        return format!(
            "{base}/subscriptions/{subscription}/operationresults/{job}?api-version={api_version}"
        );
    }
    let url = status_url(base, id, kind, location, job, "");
    url.replace("?api-version=", &format!("?monitor=true&api-version={api_version}"))
}

impl Engine {
    /// The answer to a poll; `result` for the `Location` form. Secrets in it are opened for the client.
    pub(crate) fn operation_answer(&self, job: Job, result: bool) -> Result<Reply, Error> {
        let state = match job.state {
            JobState::Succeeded(output) => JobState::Succeeded(self.seal.opened(output)),
            state => state,
        };
        answer(&Job { state, ..job }, result)
    }
}

fn answer(job: &Job, result: bool) -> Result<Reply, Error> {
    if result {
        return Ok(outcome(job));
    }
    let mut body = json!({"name": job.id.to_string(), "startTime": wire_time(job.created_at), "status": word(&job.state)});
    if let Some(ended) = job.ended_at {
        body["endTime"] = wire_time(ended).into();
    }
    match &job.state {
        JobState::Failed(error) => body["error"] = error.clone(),
        JobState::Canceled => body["error"] = canceled(),
        JobState::Succeeded(output) if !output.is_null() => body["properties"] = json!({"output": output}),
        JobState::Waiting | JobState::Running | JobState::Succeeded(_) => {}
    }
    let reply = Reply::json(200, body);
    let running = matches!(job.state, JobState::Waiting | JobState::Running);
    Ok(if running { reply.with("retry-after", RETRY_SECONDS) } else { reply })
}

fn outcome(job: &Job) -> Reply {
    match &job.state {
        JobState::Waiting | JobState::Running => Reply::empty(202).with("retry-after", RETRY_SECONDS),
        JobState::Succeeded(Value::Null) => Reply::empty(200),
        JobState::Succeeded(output) => Reply::json(200, output.clone()),
        JobState::Failed(error) => Reply::json(409, json!({ "error": error })),
        JobState::Canceled => Reply::json(409, json!({ "error": canceled() })),
    }
}

fn canceled() -> Value {
    let detail = ErrorDetail::new(
        "OperationPreempted",
        "The operation was canceled because its resource was deleted or changed.",
    );
    serde_json::to_value(detail).unwrap_or_default()
}

fn word(state: &JobState) -> &'static str {
    match state {
        JobState::Waiting | JobState::Running => "InProgress",
        JobState::Succeeded(_) => "Succeeded",
        JobState::Failed(_) => "Failed",
        JobState::Canceled => "Canceled",
    }
}

/// Refuses operations that are not of `subscription`: an id alone is no right to read.
pub(crate) fn belongs(job: Option<Job>, subscription: &str) -> Result<Job, Error> {
    let mine =
        |job: &Job| job.target.subscription().is_some_and(|owner| owner.eq_ignore_ascii_case(subscription));
    job.filter(mine).ok_or_else(|| refusals::path_not_found().into())
}

/// The activity entry for a job that has ended.
#[must_use]
pub fn ended_entry(job: &Job, succeeded: bool, at: Timestamp) -> ActivityEntry {
    let status = if succeeded { "Succeeded" } else { "Failed" };
    ActivityEntry {
        target: job.target.clone(),
        at,
        action: format!("{}/write", job.target.type_name()),
        caller: String::new(),
        correlation_id: job.correlation_id.clone(),
        document: json!({ "status": status, "eventName": "EndRequest", "operationId": job.id.to_string() }),
    }
}
