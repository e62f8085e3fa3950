//! Deployments: a template and its parameters, carried out by a job.
//!
//! A PUT is accepted whatever the template says, and fails through its operation: clients read a refusal only there.
//! The template and all parameters are sealed at rest; secure values are never among the properties.

mod rules;
mod scope;
#[cfg(test)]
mod tests;
mod wire;

use arm::{ResourceId, TypeName};
use serde_json::{Map, Value, json};

pub use self::scope::{Caller, context, violation};
use crate::shape::Field;
use crate::{
    Accepted, Act, Acted, Action, Answer, Ask, Delete, Put, Rejection, Removal, ResourceType, Show, State,
    Work,
};

/// The facet that asks a running deployment to stop.
pub const CANCEL: &str = "cancel";
/// The prefix of the facets that are the operations of a deployment.
pub const OPERATIONS: &str = "operation/";

/// `Microsoft.Resources/deployments`.
#[derive(Clone, Copy, Debug)]
pub struct Deployment;

impl ResourceType for Deployment {
    fn name(&self) -> TypeName {
        TypeName::new("Microsoft.Resources", &["deployments"])
    }

    fn api_versions(&self) -> &'static [&'static str] {
        super::API_VERSIONS
    }

    fn subject(&self) -> &'static str {
        "deployment"
    }

    fn properties(&self) -> &'static [Field] {
        wire::PROPERTIES
    }

    fn is_located(&self) -> bool {
        false
    }

    fn is_located_at(&self, id: &ResourceId) -> bool {
        id.group().is_none()
    }

    fn is_scoped(&self) -> bool {
        true
    }

    fn shows_state(&self) -> bool {
        false
    }

    fn operations(&self) -> &'static str {
        "operationStatuses"
    }

    fn operations_stand_below(&self) -> bool {
        true
    }

    fn read_body(&self, body: &[u8]) -> Option<Result<Map<String, Value>, Rejection>> {
        Some(rules::read_body(body))
    }

    fn check_name(&self, name: &str) -> Result<(), Rejection> {
        rules::name_is_allowed(name)
    }

    fn companions(&self, id: &ResourceId) -> Vec<ResourceId> {
        id.group_id().into_iter().collect()
    }

    fn put(&self, put: &Put<'_>) -> Result<Accepted, Rejection> {
        let mode = rules::mode(put.wanted)?;
        let work = rules::work(put.directives, &mode, put.location, put.entropy, put.now)?;
        let template = put.directives.get("template").cloned().unwrap_or_default();
        let internal = json!({"template": {"secret": template.to_string(), "parsed": true}});
        let mut properties = rules::shown(&template, put.directives, &mode);
        properties.insert("timestamp".to_owned(), put.now.to_string().into());
        Ok(Accepted {
            properties,
            internal: internal.as_object().cloned(),
            work: Some(Work { kind: "deployment.run", input: work }),
            ..Accepted::default()
        })
    }

    fn delete(&self, delete: &Delete<'_>) -> Result<Removal, Rejection> {
        if rules::is_running(delete.stored.document.state) {
            return Err(rules::active(&delete.stored.id, "deleted"));
        }
        Ok(Removal::Gone)
    }

    fn actions(&self) -> &'static [Action] {
        &[Action { name: "cancel", body: &[] }, Action { name: "exportTemplate", body: &[] }]
    }

    fn act(&self, act: &Act<'_>) -> Result<Acted, Rejection> {
        if act.action == "exportTemplate" {
            let template = act.stored.document.internal.get("template").cloned().unwrap_or_default();
            return Ok(Acted { answer: Answer::Body(json!({ "template": template })), ..Acted::default() });
        }
        if !rules::is_running(act.stored.document.state) {
            return Err(rules::ended(&act.stored.id));
        }
        let note = Some((CANCEL.to_owned(), json!(act.now.to_string())));
        Ok(Acted { note, answer: Answer::NoContent, ..Acted::default() })
    }

    fn questions(&self) -> &'static [Action] {
        &[Action { name: "validate", body: wire::BODY }, Action { name: "whatIf", body: wire::BODY }]
    }

    fn ask(&self, ask: &Ask<'_>) -> Result<Acted, Rejection> {
        let properties = ask.body.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let mode = rules::mode(&properties)?;
        let location = ask.body.get("location").and_then(Value::as_str).unwrap_or_default();
        if ask.question == "whatIf" {
            let input = rules::work(&properties, &mode, location, ask.entropy, ask.now)?;
            return Ok(Acted { work: Some(Work { kind: "deployment.what_if", input }), ..Acted::default() });
        }
        Ok(Acted {
            answer: Answer::Body(rules::validated(ask, &properties, &mode, location)),
            ..Acted::default()
        })
    }

    fn show(&self, show: &Show<'_>) -> Map<String, Value> {
        let document = &show.stored.document;
        let mut shown = document.properties.clone();
        let state = match document.state {
            State::Creating | State::Updating => "Running",
            state => state.as_str(),
        };
        shown.insert("provisioningState".to_owned(), state.into());
        shown
    }
}
