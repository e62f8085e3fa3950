//! `deployment.what_if`: what a deployment would change, read and never written.

use async_trait::async_trait;
use bytes::Bytes;
use control::Method;
use serde_json::{Map, Value, json};

use super::asking::{Asking, refusal};
use super::{Work, complete, members, work};
use crate::job::{Done, JobKind, Running, Stop};

pub(crate) struct WhatIf;

#[async_trait]
impl JobKind for WhatIf {
    fn name(&self) -> &'static str {
        "deployment.what_if"
    }

    async fn run(&self, running: &mut Running) -> Result<Done, Stop> {
        let output = match work(running).await? {
            Err(detail) => json!({"status": "Failed", "error": detail}),
            Ok(work) => {
                let changes = work.program.masked(changes(running, &work).await?.into());
                json!({"status": "Succeeded", "properties": {"correlationId": running.job.correlation_id, "changes": changes}})
            }
        };
        // What stands already may hold what a reader of this row may not know.
        let output = json!({"secret": output.to_string(), "parsed": true});
        Ok(Done { output, ..Done::default() })
    }
}

async fn changes(running: &Running, work: &Work) -> Result<Vec<Value>, Stop> {
    let asking = Asking::of(running);
    let mut changes = Vec::new();
    for resource in work.plan.resources.iter().filter(|resource| !resource.is_existing) {
        if running.is_stopped() {
            return Err(Stop::LeaseLost);
        }
        let before = asking.send(Method::Get, &resource.id, &resource.api_version, Bytes::new()).await?;
        let body = match asking.body(work, resource).await? {
            Ok(body) => members(Some(without_nulls(body))),
            Err(detail) => {
                changes.push(json!({"resourceId": resource.id, "changeType": "Unsupported", "unsupportedReason": detail.message}));
                continue;
            }
        };
        let mut after = body.clone();
        after.insert("id".to_owned(), resource.id.clone().into());
        after.insert("name".to_owned(), resource.name.rsplit('/').next().unwrap_or_default().into());
        after.insert("type".to_owned(), resource.type_name.clone().into());
        after.insert("apiVersion".to_owned(), resource.api_version.clone().into());
        changes.push(match before.status {
            404 => json!({"resourceId": resource.id, "changeType": "Create", "after": after}),
            200 => {
                let mut before = members(before.body);
                before.insert("apiVersion".to_owned(), resource.api_version.clone().into());
                let delta = delta(&before, &body, "");
                let kind = if delta.is_empty() { "NoChange" } else { "Modify" };
                json!({"resourceId": resource.id, "changeType": kind, "before": before, "after": after, "delta": delta})
            }
            _ => json!({"resourceId": resource.id, "changeType": "Unsupported", "unsupportedReason": refusal(before).message}),
        });
    }
    if running.job.input.get("mode").and_then(Value::as_str) == Some("Complete") {
        for id in complete::not_in(running, &work.plan).await? {
            changes.push(json!({"resourceId": id.to_string(), "changeType": "Delete", "before": {"id": id.to_string()}}));
        }
    }
    Ok(changes)
}

/// What `wanted` names otherwise than `before`; what it does not name stays as it is.
fn delta(before: &Map<String, Value>, wanted: &Map<String, Value>, path: &str) -> Vec<Value> {
    let mut changes = Vec::new();
    for (name, value) in wanted {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let found = before.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        match (found, value) {
            (Some(Value::Object(found)), Value::Object(value)) => changes.extend(delta(found, value, &path)),
            (Some(found), value) if same(found, value) => {}
            (Some(found), value) => {
                changes.push(
                    json!({"path": path, "propertyChangeType": "Modify", "before": found, "after": value}),
                );
            }
            (None, value) => {
                changes.push(json!({"path": path, "propertyChangeType": "Create", "after": value}));
            }
        }
    }
    changes
}

/// Words compare without case: names and choices do so everywhere.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        value => value,
    }
}
