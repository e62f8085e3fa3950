//! One example against the server: what it needs is made, it is asked, and all that is answered is looked at.

use std::collections::BTreeSet;

use control::Registry;
use serde_json::Value;

use super::adapt::Adaptation;
use super::client::{Client, Reply};
use super::known::Known;
use super::report::Outcome;
use super::setting::{Lack, Setting};
use crate::spec::{Direction, Operation, Place, Specs, check};
use crate::wire_coverage;

/// Everything that stays the same from example to example.
pub(super) struct Stage<'a> {
    pub(super) specs: &'a Specs,
    pub(super) operations: &'a [Operation],
    pub(super) client: &'a Client,
    pub(super) known: &'a Known,
    pub(super) registry: Registry,
    pub(super) subscription: String,
    /// Where the bytes behind links are.
    pub(super) links: String,
    /// Sets this run apart from earlier ones on the same server.
    pub(super) run: String,
    /// Members and words that the documents do not list.
    pub(super) strangers: BTreeSet<String>,
    /// Requests of examples that are not what their own documents say.
    pub(super) slips: BTreeSet<String>,
}

/// What one example sends.
struct Call {
    path: String,
    query: String,
    body: Option<Value>,
}

impl Stage<'_> {
    /// Replays one example of `operation`; without one its parameters are made up.
    pub(super) async fn replay(
        &mut self,
        operation: &Operation,
        name: &str,
        example: &Value,
        number: usize,
    ) -> anyhow::Result<Outcome> {
        let suffix = format!("{}{number}", self.run);
        let adaptation = Adaptation {
            known: self.known,
            subscription: self.subscription.clone(),
            group: format!("conformance-{suffix}"),
            suffix,
            links: self.links.clone(),
        };
        let (client, operations) = (self.client, self.operations);
        let mut setting = Setting::new(client, adaptation, operations, self.known.settings.get(name));
        let answer = wire_coverage::answer(
            &self.registry,
            &operation.method,
            &operation.path,
            &operation.api_version,
        )?;
        let mut call = call(operation, example, &setting.adaptation);
        self.note_slips(operation, name, call.body.as_ref())?;
        if let Some(code) = answer.strip_prefix("refused: ") {
            if operation.method == "POST" {
                // Only of what stands is it told what can be asked; where that is not built either, nothing is lost.
                self.prepare(&mut setting, operation, &mut call).await.ok();
            }
            let reply = client.send(&operation.method, &call.place(), call.body.as_ref()).await?;
            return Ok(match reply.error_code() {
                Some(told) if told == code && reply.status < 502 && reply.status != 500 => {
                    Outcome::Refused(code.to_owned())
                }
                _ => Outcome::Failed(vec![format!("not refused with {code}: {}", reply.brief())]),
            });
        }
        let outcome = match self.prepare(&mut setting, operation, &mut call).await {
            Ok(()) => self.ask(operation, &call).await?,
            Err(Lack::Refused(what)) => Outcome::Refused(format!("needs {what}")),
            Err(Lack::Failed(what)) => Outcome::Failed(vec![format!("could not be prepared: {what}")]),
            Err(Lack::Broken(error)) => return Err(error),
        };
        setting.clear().await?;
        if looks_into_marketplace(operation) {
            setting.withdraw().await?;
        }
        Ok(outcome)
    }

    fn note_slips(&mut self, operation: &Operation, name: &str, body: Option<&Value>) -> anyhow::Result<()> {
        let schema = operation.parameters.iter().find_map(|parameter| parameter.schema.as_ref());
        if let (Some(schema), Some(body)) = (schema, body) {
            let findings = check(self.specs, schema, body, Direction::Request)?;
            self.slips.extend(findings.violations.into_iter().map(|words| format!("{name}: {words}")));
        }
        Ok(())
    }

    async fn prepare(
        &self,
        setting: &mut Setting<'_>,
        operation: &Operation,
        call: &mut Call,
    ) -> Result<(), Lack> {
        setting.make_group().await?;
        if looks_into_marketplace(operation) {
            return setting.offer().await;
        }
        if operation.path.contains("/softDeletedArtifactTypes/") {
            return setting.delete_softly(&call.path).await;
        }
        if operation.path.ends_with("/sharedGalleries") {
            return setting.publish(false).await.map(drop);
        }
        for (kind, parameter, is_community) in [
            ("/communityGalleries/", "{publicGalleryName}", true),
            ("/sharedGalleries/", "{galleryUniqueName}", false),
        ] {
            if operation.path.contains(kind) && operation.path.contains(parameter) {
                let name = setting.publish(is_community).await?;
                let below = operation.path.split(kind).nth(1).unwrap_or_default();
                let below = below.replace(parameter, &name).replace("{galleryImageName}", "shared");
                let below = below.replace("{galleryImageVersionName}", "1.0.0");
                let above = call.path.split(kind).next().unwrap_or_default();
                call.path = format!("{above}{kind}{below}");
                return Ok(());
            }
        }
        setting.make_around(&operation.method, &call.path).await?;
        let Some(body) = &mut call.body else { return Ok(()) };
        for (kind, is_community) in [("/communitygalleries/", true), ("/sharedgalleries/", false)] {
            if body.to_string().to_ascii_lowercase().contains(&format!("\"{kind}")) {
                let name = setting.publish(is_community).await?;
                rename(body, kind, &name);
            }
        }
        setting.make_named(body, &call.path).await
    }

    async fn ask(&mut self, operation: &Operation, call: &Call) -> anyhow::Result<Outcome> {
        let client = self.client;
        let reply = client.send(&operation.method, &call.place(), call.body.as_ref()).await?;
        if reply.status == 501 && reply.error_code() == Some("NotImplemented") {
            let message = reply.body.as_ref().and_then(|body| body["error"]["message"].as_str());
            return Ok(Outcome::Refused(message.unwrap_or_default().to_owned()));
        }
        let mut wrong = Vec::new();
        if !operation.responses.contains_key(&reply.status) {
            let documented: Vec<String> = operation.responses.keys().map(ToString::to_string).collect();
            wrong.push(format!("answers none of {}: {}", documented.join(", "), reply.brief()));
            return Ok(Outcome::Failed(wrong));
        }
        self.fits(operation, reply.status, reply.body.as_ref(), &mut wrong)?;
        if operation.method == "GET" && reply.body.as_ref().is_some_and(is_empty_list) {
            wrong.push("what was made is not listed".to_owned());
        }
        match client.settled(&reply).await? {
            Err(error) => wrong.push(format!("the operation failed: {error}")),
            Ok(Some(output)) if operation.method == "POST" => {
                self.fits(operation, 200, Some(&output), &mut wrong)?;
            }
            Ok(_) => self.stands(operation, call, &reply, &mut wrong).await?,
        }
        Ok(if wrong.is_empty() { Outcome::Passed(reply.status) } else { Outcome::Failed(wrong) })
    }

    /// What a write left is there to be read, and what was deleted is not.
    async fn stands(
        &mut self,
        operation: &Operation,
        call: &Call,
        reply: &Reply,
        wrong: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        let mut reads = self.operations.iter().filter(|other| other.path == operation.path);
        let Some(read) = reads.find(|other| other.method == "GET") else { return Ok(()) };
        let place = format!("{}?api-version={}", call.path, read.api_version);
        match operation.method.as_str() {
            "PUT" | "PATCH" => {
                let shown = self.client.send("GET", &place, None).await?;
                if shown.status != 200 {
                    wrong.push(format!("what was written cannot be read: {}", shown.brief()));
                    return Ok(());
                }
                self.fits(read, 200, shown.body.as_ref(), wrong)
            }
            "DELETE" if reply.status != 204 => {
                let shown = self.client.send("GET", &place, None).await?;
                if shown.status != 404 || shown.error_code().is_none() {
                    wrong.push(format!("what was deleted is still there: {}", shown.brief()));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fits(
        &mut self,
        operation: &Operation,
        status: u16,
        body: Option<&Value>,
        wrong: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        match (operation.responses.get(&status).and_then(Option::as_ref), body) {
            (Some(schema), Some(body)) => {
                let findings = check(self.specs, schema, body, Direction::Response)?;
                wrong.extend(findings.violations);
                let strangers = findings.strangers.into_iter();
                self.strangers.extend(strangers.map(|place| format!("{}: {place}", operation.id)));
            }
            // An accepted request may be described by what it will become.
            (Some(_), None) if status != 202 => wrong.push(format!("{status} has no body")),
            _ => {}
        }
        Ok(())
    }
}

impl Call {
    fn place(&self) -> String {
        format!("{}?{}", self.path, self.query)
    }
}

fn is_empty_list(body: &Value) -> bool {
    body.get("value").unwrap_or(body).as_array().is_some_and(Vec::is_empty)
}

fn looks_into_marketplace(operation: &Operation) -> bool {
    operation.path.contains("/locations/{location}/publishers")
}

fn call(operation: &Operation, example: &Value, adaptation: &Adaptation<'_>) -> Call {
    let given = &example["parameters"];
    let (mut path, mut query) = (operation.path.clone(), format!("api-version={}", operation.api_version));
    let mut body = None;
    for parameter in &operation.parameters {
        let (name, value) = (&parameter.name, given.get(&parameter.name));
        match parameter.place {
            Place::Path => {
                path = path.replace(&format!("{{{name}}}"), &adaptation.parameter(name, value));
            }
            Place::Query if name == "api-version" => {}
            Place::Query if value.is_some() || parameter.is_required => {
                query.push_str(&format!("&{name}={}", encoded(&adaptation.parameter(name, value))));
            }
            Place::Body => body = value.map(|value| adaptation.value(value)),
            Place::Query | Place::Elsewhere => {}
        }
    }
    Call { path, query, body }
}

/// Makes every public id of a version below `kind` that of the gallery which is published as `name`.
fn rename(value: &mut Value, kind: &str, name: &str) {
    match value {
        Value::String(text) if text.to_ascii_lowercase().starts_with(kind) => {
            let kind = &text[..kind.len()];
            *text = format!("{kind}{name}/images/shared/versions/1.0.0");
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, kind, name)),
        Value::Object(members) => members.values_mut().for_each(|value| rename(value, kind, name)),
        _ => {}
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
