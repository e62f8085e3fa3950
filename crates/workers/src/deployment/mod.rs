//! `deployment.run`: a template's resources, each put through the engine as if its owner had sent it.
//!
//! A resource that was begun is recorded before it is waited for; a PUT that a crash repeats leaves the same. The job
//! holds no worker while others work for it: it is given back, and looks again a second later. What is evaluated is
//! evaluated anew after a crash, from the same template, time and chance, so it comes to the same.

mod asking;
mod complete;
mod ending;
mod what_if;

use std::collections::BTreeMap;
use std::sync::Arc;

use arm::{ErrorDetail, ResourceId};
use async_trait::async_trait;
use control::stored_of;
use futures_util::future::join_all;
use jiff::Timestamp;
use metadata::{Change, JobId, JobState};
use providers::Rejection;
use providers::resources::deployment::{CANCEL, Caller, OPERATIONS, context, violation};
use serde_json::{Map, Value, json};
use template::{Plan, Program};

use self::asking::Asking;
pub(crate) use self::what_if::WhatIf;
use crate::Error;
use crate::job::{Done, JobKind, Running, Stop};

/// Resources that are put at once.
const AT_ONCE: usize = 8;

/// The name of the job.
pub(crate) struct Run;

/// What a deployment has come to with one resource, as it is recorded.
#[derive(Clone, Debug, PartialEq)]
enum Made {
    /// It is as asked.
    Whole,
    /// Its own job works on it.
    Waits(JobId),
    /// It was refused, or its job failed.
    Failed(ErrorDetail),
}

/// A template and the order of its resources.
struct Work {
    program: Program,
    plan: Plan,
}

#[async_trait]
impl JobKind for Run {
    fn name(&self) -> &'static str {
        "deployment.run"
    }

    async fn run(&self, running: &mut Running) -> Result<Done, Stop> {
        if running.output("begun").is_none() {
            forget_operations(running).await?;
            running.record("begun", Value::Null, Change::default()).await?;
        }
        let work = match work(running).await? {
            Ok(work) => work,
            Err(detail) => return ending::failed(running, None, detail).await,
        };
        let asking = Arc::new(Asking::of(running));
        loop {
            if running.is_stopped() {
                return Err(Stop::LeaseLost);
            }
            if is_canceled(running).await? {
                return ending::canceled(running, &work).await;
            }
            let waits = look_after(running, &work).await?;
            let ready = ready(running, &work.plan);
            if ready.is_empty() {
                if waits {
                    return Err(Stop::NotYet);
                }
                break;
            }
            let begun = ready.iter().take(AT_ONCE).map(|at| begin(&asking, &work, *at));
            for (at, made) in ready.iter().zip(join_all(begun).await) {
                note(running, &work.plan, *at, made?).await?;
            }
        }
        let failures = failures(running, &work.plan);
        if !failures.is_empty() {
            return ending::failed(running, Some(&work), ending::of_resources(failures)).await;
        }
        if running.job.input.get("mode").and_then(Value::as_str) == Some("Complete") {
            let left = complete::remove_the_rest(running, &asking, &work.plan).await?;
            if !left.is_empty() {
                return ending::failed(running, Some(&work), ending::of_resources(left)).await;
            }
        }
        match asking.outputs(&work).await? {
            Ok(outputs) => ending::succeeded(running, &work, outputs).await,
            Err(detail) => ending::failed(running, Some(&work), detail).await,
        }
    }
}

/// The template and parameters of a job, read again; the inner error is the client's.
async fn work(running: &Running) -> Result<Result<Work, ErrorDetail>, Stop> {
    let input = running.job.input.clone();
    if input.get("isLinked") == Some(&Value::Bool(true)) {
        let refusal = Rejection::not_implemented("A template or parameters behind a link");
        return Ok(Err(ErrorDetail {
            message: format!("{} Send them in the request.", refusal.detail.message),
            ..refusal.detail
        }));
    }
    let open = |name: &str| -> Result<Value, Stop> {
        let sealed = input.get(name).and_then(|sealed| sealed.get("secret")).unwrap_or(&Value::Null);
        let text = running.engine.reveal(sealed);
        let value = text.and_then(|text| serde_json::from_str(&text).ok());
        value.ok_or_else(|| Error::Document(format!("the {name} of a deployment cannot be opened")).into())
    };
    let (template, parameters) = (open("template")?, open("parameters")?);
    let id = running.job.target.clone();
    let group = match id.group_id() {
        None => None,
        Some(group) => {
            let row = running.engine.metadata().row(&group).await?.ok_or(Stop::LeaseLost)?;
            Some(stored_of(&row)?)
        }
    };
    let word = |name: &str| {
        let caller = input.get("caller").and_then(|caller| caller.get(name));
        caller.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let caller = Caller { tenant_id: word("tenantId"), base: word("base") };
    let noted = input.as_object().cloned().unwrap_or_default();
    let now = noted.get("now").and_then(Value::as_str).and_then(|now| now.parse::<Timestamp>().ok());
    let context = context(&id, group.as_ref(), &caller, &noted, now.unwrap_or(running.job.created_at));
    let read = move || {
        let program = Program::read(&template, &parameters, context)?;
        let plan = program.plan()?;
        Ok(Work { program, plan })
    };
    let read = running.blocking(read).await?;
    Ok(read.map_err(|error: template::Error| violation(&error)))
}

/// A word from the owner, later than this job.
async fn is_canceled(running: &Running) -> Result<bool, Stop> {
    if running.output(CANCEL).is_some() {
        return Ok(true);
    }
    let facets = running.engine.metadata().facets(&running.job.target, CANCEL).await?;
    Ok(facets.iter().any(|(name, at)| name == CANCEL && !is_stale(running, at)))
}

/// Whether a word to stop was for an earlier run.
fn is_stale(running: &Running, at: &Value) -> bool {
    let at = at.as_str().and_then(|at| at.parse::<Timestamp>().ok());
    at.is_none_or(|at| at < running.job.created_at)
}

fn step(at: usize) -> String {
    format!("resource/{at}")
}

/// What is recorded of resource number `at`.
fn made(running: &Running, at: usize) -> Option<Made> {
    let output = running.output(&step(at))?;
    if let Some(job) = output.get("waits").and_then(Value::as_str).and_then(|id| id.parse().ok()) {
        return Some(Made::Waits(JobId(job)));
    }
    match output.get("error") {
        Some(error) => Some(Made::Failed(serde_json::from_value(error.clone()).unwrap_or_default())),
        None => Some(Made::Whole),
    }
}

/// Resources that nothing is left to wait for, and that have not begun.
fn ready(running: &Running, plan: &Plan) -> Vec<usize> {
    let is_whole = |at: &usize| made(running, *at) == Some(Made::Whole);
    let is_ready =
        |at: &usize| made(running, *at).is_none() && plan.resources[*at].depends_on.iter().all(is_whole);
    (0..plan.resources.len()).filter(is_ready).collect()
}

/// Looks whether the jobs of resources have ended; answers whether any has not.
async fn look_after(running: &mut Running, work: &Work) -> Result<bool, Stop> {
    let mut waits = false;
    for at in 0..work.plan.resources.len() {
        let Some(Made::Waits(id)) = made(running, at) else { continue };
        let job = running.engine.metadata().job(id).await?;
        let ended = match job.map(|job| job.state) {
            Some(JobState::Waiting | JobState::Running) => {
                waits = true;
                continue;
            }
            // Jobs that ended long ago are forgotten.
            Some(JobState::Succeeded(_)) | None => Made::Whole,
            Some(JobState::Failed(error)) => Made::Failed(serde_json::from_value(error).unwrap_or_default()),
            Some(JobState::Canceled) => Made::Failed(ErrorDetail::new(
                "OperationPreempted",
                "The operation was canceled because its resource was deleted or changed.",
            )),
        };
        note(running, &work.plan, at, ended).await?;
    }
    Ok(waits)
}

/// Begins one resource.
async fn begin(asking: &Asking, work: &Work, at: usize) -> Result<Made, Stop> {
    let resource = &work.plan.resources[at];
    if resource.is_existing {
        return Ok(Made::Whole);
    }
    match asking.body(work, resource).await? {
        Ok(body) => asking.put(resource, &body).await,
        Err(detail) => Ok(Made::Failed(detail)),
    }
}

/// Records what a resource has come to, and shows it as an operation.
async fn note(running: &mut Running, plan: &Plan, at: usize, made: Made) -> Result<(), Stop> {
    let resource = &plan.resources[at];
    let output = match &made {
        Made::Whole => json!({}),
        Made::Waits(job) => json!({ "waits": job.to_string() }),
        Made::Failed(detail) => json!({ "error": detail }),
    };
    if !resource.is_existing {
        let shown = operation(running, &resource.id, "Create", &made);
        let name = format!("{OPERATIONS}{:016X}", at + 1);
        running.engine.metadata().report(running.job.id, &running.worker, &name, Some(&shown)).await?;
    }
    running.record(&step(at), output, Change::default()).await
}

fn operation(running: &Running, id: &str, verb: &str, made: &Made) -> Value {
    let parsed: Option<ResourceId> = id.parse().ok();
    let (state, status) = match made {
        Made::Whole => ("Succeeded", "OK"),
        Made::Waits(_) => ("Running", "Accepted"),
        Made::Failed(_) => ("Failed", "Conflict"),
    };
    let mut shown = json!({
        "provisioningOperation": verb,
        "provisioningState": state,
        "timestamp": running.clock.now().to_string(),
        "duration": "PT0S",
        "trackingId": running.job.correlation_id,
        "statusCode": status,
        "targetResource": {
            "id": id,
            "resourceType": parsed.as_ref().map(|id| id.type_name().as_str().to_owned()),
            "resourceName": parsed.as_ref().map(|id| id.names().join("/")),
        },
    });
    if let Made::Failed(detail) = made {
        shown["statusMessage"] = json!({"status": "Failed", "error": detail});
    }
    shown
}

/// Removes the operations of an earlier run, and a word to stop that was for it.
async fn forget_operations(running: &Running) -> Result<(), Stop> {
    let rows = running.engine.metadata();
    for (name, _) in rows.facets(&running.job.target, OPERATIONS).await? {
        rows.report(running.job.id, &running.worker, &name, None).await?;
    }
    for (name, at) in rows.facets(&running.job.target, CANCEL).await? {
        if is_stale(running, &at) {
            rows.report(running.job.id, &running.worker, &name, None).await?;
        }
    }
    Ok(())
}

fn failures(running: &Running, plan: &Plan) -> BTreeMap<String, ErrorDetail> {
    let failed = |(at, resource): (usize, &template::Resource)| match made(running, at) {
        Some(Made::Failed(detail)) => Some((resource.id.clone(), detail)),
        _ => None,
    };
    plan.resources.iter().enumerate().filter_map(failed).collect()
}

/// The members of an answer.
fn members(body: Option<Value>) -> Map<String, Value> {
    body.and_then(|body| if let Value::Object(members) = body { Some(members) } else { None })
        .unwrap_or_default()
}
