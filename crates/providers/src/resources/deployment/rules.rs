//! What a deployment may be, and what its job is told.

use arm::{ErrorDetail, ResourceId, TypeName};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use template::{Nothing, Plan, Program, template_hash};

use super::scope::{Caller, context, violation};
use crate::{Ask, Entropy, Rejection, State, resource_types};

const LONGEST_NAME: usize = 64;

/// 1 to 64 letters, digits, `_ - . ( )` (azure-api 13.2).
pub(super) fn name_is_allowed(name: &str) -> Result<(), Rejection> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.()".contains(c);
    if (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(is_allowed) {
        return Ok(());
    }
    let shown: String = name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let message = format!(
        "The provided deployment name '{shown}' is not valid. It must have between 1 and {LONGEST_NAME} letters, digits, '-', '.', '(', ')' or '_'."
    );
    Err(Rejection::new(400, "InvalidDeploymentName", message))
}

/// The body as clients of deployments send it: not quite JSON.
pub(super) fn read_body(body: &[u8]) -> Result<Map<String, Value>, Rejection> {
    match template::read(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => {
            Err(Rejection::new(400, "InvalidRequestContent", "The request content must be a JSON object."))
        }
        Err(error) => {
            let detail = violation(&error);
            Err(Rejection::new(
                if detail.code == "RequestContentTooLarge" { 413 } else { 400 },
                &detail.code,
                detail.message,
            ))
        }
    }
}

/// The mode asked for; `Incremental` when none is.
pub(super) fn mode(properties: &Map<String, Value>) -> Result<String, Rejection> {
    Ok(properties.get("mode").and_then(Value::as_str).unwrap_or("Incremental").to_owned())
}

/// What the job needs to know: all that came from the client is sealed.
pub(super) fn work(
    sent: &Map<String, Value>,
    mode: &str,
    location: &str,
    entropy: &Entropy,
    now: Timestamp,
) -> Result<Value, Rejection> {
    let template = sent.get("template");
    let link = sent.get("templateLink").or_else(|| sent.get("parametersLink"));
    if template.is_none() && link.is_none() {
        let message = "The request content has no template. Send it as 'properties.template'.";
        return Err(Rejection::new(400, "InvalidRequestContent", message));
    }
    let seed: String = entropy.iter().take(16).map(|byte| char::from(b'!' + byte % 94)).collect();
    let text = |value: Option<&Value>| value.map_or_else(|| "{}".to_owned(), Value::to_string);
    Ok(json!({
        "caller": null,
        "template": {"secret": text(template)},
        "parameters": {"secret": text(sent.get("parameters"))},
        "isLinked": link.is_some(),
        "mode": mode,
        "location": location,
        "seed": seed,
        "now": now.to_string(),
    }))
}

/// What a new deployment shows before it has run.
pub(super) fn shown(template: &Value, sent: &Map<String, Value>, mode: &str) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("mode".to_owned(), mode.into());
    shown.insert("templateHash".to_owned(), template_hash(template).into());
    shown.insert("parameters".to_owned(), parameters(template, sent.get("parameters")));
    shown.insert("duration".to_owned(), "PT0S".into());
    shown
}

/// The parameters sent, their types capitalised; only what is declared as no secret has its value.
fn parameters(template: &Value, sent: Option<&Value>) -> Value {
    let declared = template.get("parameters").and_then(Value::as_object);
    let mut shown = Map::new();
    for (name, entry) in sent.and_then(Value::as_object).into_iter().flatten() {
        let declaration = declared.and_then(|declared| {
            declared
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, declaration)| declaration)
        });
        let word = declaration
            .and_then(|declaration| declaration.get("type"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let kind = ["String", "Int", "Bool", "Object", "Array", "SecureString", "SecureObject"]
            .into_iter()
            .find(|kind| kind.eq_ignore_ascii_case(word));
        let Some(kind) = kind else { continue };
        let value = entry.get("value").filter(|_| !kind.starts_with("Secure"));
        let mut parameter = json!({ "type": kind });
        if let Some(value) = value {
            parameter["value"] = value.clone();
        }
        shown.insert(name.clone(), parameter);
    }
    Value::Object(shown)
}

/// The answer of `validate`: a deployment as it would be, or the error; always with status 200.
pub(super) fn validated(ask: &Ask<'_>, properties: &Map<String, Value>, mode: &str, location: &str) -> Value {
    let refuse = |detail: ErrorDetail| serde_json::to_value(detail.into_body()).unwrap_or_default();
    if !properties.contains_key("template") {
        let message = "The request content has no template. Send it as 'properties.template': linked templates are not implemented in this release of Gallerist.";
        return refuse(ErrorDetail::new("InvalidTemplate", message));
    }
    let noted = json!({"mode": mode, "location": location, "seed": "validate"});
    let noted = noted.as_object().cloned().unwrap_or_default();
    let caller = Caller { base: ask.base.to_owned(), tenant_id: ask.tenant_id.to_owned() };
    let context = context(ask.id, ask.group, &caller, &noted, ask.now);
    let sent = properties.get("parameters").cloned().unwrap_or_default();
    let planned = Program::read(&properties["template"], &sent, context)
        .and_then(|program| program.plan().map(|plan| (program, plan)))
        .and_then(|(program, plan)| bodies(&program, &plan).map(|()| (program, plan)));
    let (program, plan) = match planned {
        Ok(planned) => planned,
        Err(error) => return refuse(violation(&error)),
    };
    let unknown = not_implemented(&plan);
    if !unknown.is_empty() {
        let message = format!(
            "The template deployment '{}' is not valid according to the validation procedure. See details for the reasons.",
            ask.id.name()
        );
        return refuse(ErrorDetail {
            details: unknown,
            ..ErrorDetail::new("InvalidTemplateDeployment", message)
        });
    }
    let resources: Vec<Value> = plan.resources.iter().map(|resource| json!({ "id": resource.id })).collect();
    let mut shown = shown(&properties["template"], properties, mode);
    shown.insert("parameters".to_owned(), program.shown_parameters());
    shown.insert("timestamp".to_owned(), "0001-01-01T00:00:00Z".into());
    shown.insert("provisioningState".to_owned(), "Succeeded".into());
    shown.insert("validatedResources".to_owned(), resources.into());
    json!({"id": ask.id.to_string(), "name": ask.id.name(), "type": "Microsoft.Resources/deployments", "properties": shown})
}

/// Evaluates every body, as far as that can be done before the deployment runs.
fn bodies(program: &Program, plan: &Plan) -> Result<(), template::Error> {
    for resource in plan.resources.iter().filter(|resource| !resource.is_existing) {
        match program.body(plan, resource, &Nothing) {
            Ok(_) | Err(template::Error::Needs(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The resources of types that this release has not.
fn not_implemented(plan: &Plan) -> Vec<ErrorDetail> {
    let is_known = |name: &str| resource_types().iter().any(|kind| kind.name().is(name));
    let unknown = plan.resources.iter().filter(|resource| !is_known(&resource.type_name));
    unknown
        .map(|resource| {
            let kind = TypeName::from(resource.type_name.as_str());
            Rejection::not_implemented(&format!("The resource type '{kind}'")).at(resource.id.clone()).detail
        })
        .collect()
}

pub(super) fn is_running(state: State) -> bool {
    matches!(state, State::Creating | State::Updating)
}

pub(super) fn active(id: &ResourceId, what: &str) -> Rejection {
    let message = format!(
        "The deployment '{}' is running and cannot be {what}. Cancel it or wait until it has ended, then try again.",
        id.name()
    );
    Rejection::conflict("DeploymentActive", message)
}

pub(super) fn ended(id: &ResourceId) -> Rejection {
    let message = format!("The deployment '{}' has ended and cannot be canceled.", id.name());
    Rejection::conflict("DeploymentCannotBeCancelled", message)
}
