//! Requests and their answers as text, with what differs from run to run redacted.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::Value;

use crate::world::{Answer, TestServer};

/// Headers that every answer has and one test looks at; the date is the connection's.
const COMMON: [&str; 8] = [
    "cache-control",
    "pragma",
    "expires",
    "x-content-type-options",
    "strict-transport-security",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "date",
];

/// Asks one thing after the other and writes down what was said.
pub(crate) async fn transcript(server: &TestServer, steps: &[(Method, String, Value)]) -> String {
    let mut text = String::new();
    for (method, path, body) in steps {
        let answer = server.ask(method.clone(), path, body).await;
        let sent = if body.is_null() { String::new() } else { format!(" {body}") };
        writeln!(text, "{method} {path}{sent}").unwrap();
        write_answer(&mut text, &answer);
        text.push('\n');
    }
    redacted(server, &text)
}

fn write_answer(text: &mut String, answer: &Answer) {
    writeln!(text, "{}", answer.status.as_u16()).unwrap();
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !COMMON.contains(&name.as_str()) && *name != "content-length")
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    headers.iter().for_each(|header| writeln!(text, "{header}").unwrap());
    if !answer.text.is_empty() {
        writeln!(text, "{}", serde_json::to_string_pretty(&answer.json()).unwrap()).unwrap();
    }
}

/// `text` without this run's address, ids and times.
pub(crate) fn redacted(server: &TestServer, text: &str) -> String {
    let text = text
        .replace(server.connection.arm_endpoint.as_str(), "https://[host]")
        .replace(&server.connection.subscription_id.to_string(), "[subscription]")
        .replace(&server.connection.tenant_id.to_string(), "[tenant]");
    let mut rest = text.as_str();
    let mut kept = String::with_capacity(text.len());
    while let Some(first) = rest.chars().next() {
        if let Some(length) = guid(rest) {
            kept.push_str("[guid]");
            rest = &rest[length..];
        } else if let Some(length) = time(rest) {
            kept.push_str("[time]");
            rest = &rest[length..];
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

fn guid(text: &str) -> Option<usize> {
    let head = text.get(..36)?;
    head.parse::<uuid::Uuid>().is_ok().then_some(36)
}

/// The length of an RFC 3339 moment at the beginning of `text`.
fn time(text: &str) -> Option<usize> {
    let head = text.as_bytes().get(..20)?;
    let shaped =
        head[..4].iter().all(u8::is_ascii_digit) && head[4] == b'-' && head[10] == b'T' && head[13] == b':';
    let end = text.find(|c: char| !(c.is_ascii_digit() || "-:.+TZ".contains(c)))?;
    shaped.then_some(end)
}
