//! Requests of a deployment to the engine, with the rights of whoever asked for the deployment.

use std::collections::BTreeMap;
use std::sync::Arc;

use arm::ErrorDetail;
use bytes::Bytes;
use control::{Engine, Method, Principal, Reply, Request};
use metadata::JobId;
use providers::resources::deployment::violation;
use serde_json::{Map, Value};
use template::{Call, Resource, Runtime};

use super::{Made, Work, members};
use crate::Error;
use crate::job::{Running, Stop};

/// Answers that one body or all outputs may need.
const QUESTIONS: usize = 256;

/// Who asks.
pub(super) struct Asking {
    engine: Arc<Engine>,
    principal: Principal,
    base: String,
    correlation_id: String,
}

/// What is known of other resources so far.
#[derive(Default)]
struct Known(BTreeMap<Call, Value>);

impl Runtime for Known {
    fn answer(&self, call: &Call) -> Option<Value> {
        self.0.get(call).cloned()
    }
}

impl Asking {
    pub(super) fn of(running: &Running) -> Self {
        let caller = running.job.input.get("caller");
        let word = |name: &str| {
            let value = caller.and_then(|caller| caller.get(name)).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        Self {
            engine: running.engine.clone(),
            principal: Principal {
                object_id: word("objectId"),
                tenant_id: word("tenantId"),
                name: word("name"),
            },
            base: word("base"),
            correlation_id: running.job.correlation_id.clone(),
        }
    }

    pub(super) async fn send(
        &self,
        method: Method,
        id: &str,
        api_version: &str,
        body: Bytes,
    ) -> Result<Reply, Stop> {
        let request = Request {
            method,
            path: encoded(id),
            query: format!("api-version={}", encoded(api_version)),
            body,
            content_type: Some("application/json".to_owned()),
            if_match: Vec::new(),
            if_none_match: Vec::new(),
            caller: Ok(self.principal.clone()),
            correlation_id: self.correlation_id.clone(),
            base: self.base.clone(),
        };
        let reply = self.engine.handle(&request).await;
        // A failure of ours is not the template's: the job is tried again.
        if reply.status == 500 {
            return Err(
                Error::Document("a request of a deployment could not be carried out".to_owned()).into()
            );
        }
        Ok(reply)
    }

    /// PUTs a resource; answers what it has come to.
    pub(super) async fn put(&self, resource: &Resource, body: &Value) -> Result<Made, Stop> {
        let body = Bytes::from(body.to_string());
        let reply = self.send(Method::Put, &resource.id, &resource.api_version, body).await?;
        if !matches!(reply.status, 200..=202) {
            return Ok(Made::Failed(refusal(reply)));
        }
        let polled = reply.headers.iter().find(|(name, _)| *name == "azure-asyncoperation");
        let job = polled.and_then(|(_, url)| url.split('?').next()?.rsplit('/').next()?.parse().ok());
        Ok(job.map_or(Made::Whole, |job| Made::Waits(JobId(job))))
    }

    /// The body of a resource; the inner error is the template's.
    pub(super) async fn body(
        &self,
        work: &Work,
        resource: &Resource,
    ) -> Result<Result<Value, ErrorDetail>, Stop> {
        self.evaluated(|known| work.program.body(&work.plan, resource, known)).await
    }

    /// The outputs; the inner error is the template's.
    pub(super) async fn outputs(&self, work: &Work) -> Result<Result<Map<String, Value>, ErrorDetail>, Stop> {
        self.evaluated(|known| work.program.outputs(&work.plan, known)).await
    }

    /// Evaluates again and again, each time knowing one answer more.
    async fn evaluated<T>(
        &self,
        evaluate: impl Fn(&Known) -> Result<T, template::Error>,
    ) -> Result<Result<T, ErrorDetail>, Stop> {
        let mut known = Known::default();
        for _ in 0..QUESTIONS {
            let call = match evaluate(&known) {
                Ok(value) => return Ok(Ok(value)),
                Err(template::Error::Needs(call)) => *call,
                Err(error) => return Ok(Err(violation(&error))),
            };
            match self.answer(&call).await? {
                Ok(answer) => known.0.insert(call, answer),
                Err(detail) => return Ok(Err(detail)),
            };
        }
        let message =
            format!("One resource asks for more than '{QUESTIONS}' others while the deployment runs.");
        Ok(Err(ErrorDetail::new("InvalidTemplate", message)))
    }

    async fn answer(&self, call: &Call) -> Result<Result<Value, ErrorDetail>, Stop> {
        let (method, path) = match &call.action {
            None => (Method::Get, call.id.clone()),
            Some(action) => (Method::Post, format!("{}/{action}", call.id)),
        };
        let reply = self.send(method, &path, &call.api_version, Bytes::from(call.body.clone())).await?;
        if reply.status == 200 {
            return Ok(Ok(reply.body.unwrap_or_default()));
        }
        let detail = refusal(reply);
        Ok(Err(detail.at(call.id.clone())))
    }
}

/// The error of a reply.
pub(super) fn refusal(reply: Reply) -> ErrorDetail {
    let status = reply.status;
    let error = members(reply.body).remove("error");
    error.and_then(|error| serde_json::from_value(error).ok()).unwrap_or_else(|| {
        ErrorDetail::new(
            "InvalidResponse",
            format!("The request was answered with the status {status} and no error."),
        )
    })
}

/// A path of plain text, percent-encoded.
fn encoded(path: &str) -> String {
    let letter = |byte: u8| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' | b'(' | b')' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    path.bytes().map(letter).collect()
}
