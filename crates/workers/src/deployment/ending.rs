//! How a deployment ends: what its row says from then on.

use std::collections::BTreeMap;

use arm::ErrorDetail;
use control::{row_of, stored_of};
use metadata::{Change, Expect};
use providers::State;
use providers::resources::deployment::CANCEL;
use serde_json::{Map, Value, json};

use super::{Made, Work, made};
use crate::job::{Done, Running, Stop};

/// The error of a deployment some of whose resources failed.
pub(super) fn of_resources(failures: BTreeMap<String, ErrorDetail>) -> ErrorDetail {
    let details = failures.into_iter().map(|(id, detail)| match detail.target {
        None => detail.at(id),
        Some(_) => detail,
    });
    let message = "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.";
    ErrorDetail { details: details.collect(), ..ErrorDetail::new("DeploymentFailed", message) }
}

pub(super) async fn succeeded(
    running: &Running,
    work: &Work,
    outputs: Map<String, Value>,
) -> Result<Done, Stop> {
    let change = written(running, Some(work), State::Succeeded, |properties| {
        properties.insert("outputs".to_owned(), Value::Object(outputs));
    })
    .await?;
    Ok(Done { output: Value::Null, change })
}

pub(super) async fn failed(
    running: &Running,
    work: Option<&Work>,
    detail: ErrorDetail,
) -> Result<Done, Stop> {
    let change = written(running, work, State::Failed, |properties| {
        properties.insert("error".to_owned(), json!(detail));
    })
    .await?;
    Err(Stop::Failed(detail, Box::new(change)))
}

/// The word to stop is for one run: it goes before the run does.
pub(super) async fn canceled(running: &mut Running, work: &Work) -> Result<Done, Stop> {
    if running.output(CANCEL).is_none() {
        running.record(CANCEL, Value::Null, Change::default()).await?;
    }
    running.engine.metadata().report(running.job.id, &running.worker, CANCEL, None).await?;
    let change = written(running, Some(work), State::Canceled, |properties| {
        let message = "The deployment was canceled. What it had made by then stands.";
        properties.insert("error".to_owned(), json!(ErrorDetail::new("DeploymentCanceled", message)));
    })
    .await?;
    Err(Stop::Canceled(Box::new(change)))
}

async fn written(
    running: &Running,
    work: Option<&Work>,
    state: State,
    ending: impl FnOnce(&mut Map<String, Value>),
) -> Result<Change, Stop> {
    let row = running.engine.metadata().row(&running.job.target).await?.ok_or(Stop::LeaseLost)?;
    let mut document = stored_of(&row)?.document;
    let properties = &mut document.properties;
    let now = running.clock.now();
    let took = now.duration_since(running.job.created_at);
    properties.insert("timestamp".to_owned(), now.to_string().into());
    properties.insert("duration".to_owned(), format!("PT{:.3}S", took.as_secs_f64().max(0.0)).into());
    properties.insert("correlationId".to_owned(), running.job.correlation_id.clone().into());
    if let Some(Work { program, plan }) = work {
        properties.insert("parameters".to_owned(), program.shown_parameters());
        let made: Vec<Value> = (plan.resources.iter().enumerate())
            .filter(|(at, resource)| !resource.is_existing && made(running, *at) == Some(Made::Whole))
            .map(|(_, resource)| json!({ "id": resource.id }))
            .collect();
        properties.insert("outputResources".to_owned(), made.into());
        properties.insert("dependencies".to_owned(), dependencies(work));
        properties.insert("providers".to_owned(), providers(work));
    }
    ending(properties);
    document.state = state;
    let mut written = row_of(&row, &document)?;
    written.etag = running.ids.uuid().to_string();
    written.changed_at = now;
    let expect = vec![Expect::Unchanged(row.id.clone(), row.etag)];
    Ok(Change { expect, put: vec![written], ..Change::default() })
}

fn dependencies(work: Option<&Work>) -> Value {
    let Some(Work { plan, .. }) = work else { return json!([]) };
    let named = |resource: &template::Resource| json!({"id": resource.id, "resourceType": resource.type_name, "resourceName": resource.name});
    let waiting = plan.resources.iter().filter(|resource| !resource.depends_on.is_empty());
    waiting
        .map(|resource| {
            let on: Vec<Value> = resource.depends_on.iter().map(|at| named(&plan.resources[*at])).collect();
            let mut shown = named(resource);
            shown["dependsOn"] = on.into();
            shown
        })
        .collect()
}

fn providers(work: Option<&Work>) -> Value {
    let mut found: BTreeMap<&str, BTreeMap<&str, ()>> = BTreeMap::new();
    for resource in work.iter().flat_map(|work| &work.plan.resources) {
        if let Some((namespace, kind)) = resource.type_name.split_once('/') {
            found.entry(namespace).or_default().insert(kind, ());
        }
    }
    let shown = found.into_iter().map(|(namespace, kinds)| {
        let kinds: Vec<Value> =
            kinds.into_keys().map(|kind| json!({"resourceType": kind, "locations": [null]})).collect();
        json!({"namespace": namespace, "resourceTypes": kinds})
    });
    shown.collect()
}
