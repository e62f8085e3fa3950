//! The unmodified Azure CLI, signed in by `gallerist az-login`.
//!
//! Each [`Az`] has a server and a configuration folder of its own. What went over the wire is read from what `az
//! --debug` says of it, so that nothing stands between the two.

mod artifacts;
mod contracts;
mod definitions;
mod deployments;
mod disks;
mod galleries;
mod groups;
mod marketplace;
mod refusals;
mod sharing;
mod soft_delete;
mod storage;
mod story;
mod versions;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::prepared;
use crate::server::Server;

/// An `az` that is signed in to a server.
struct Az {
    server: Server,
    program: PathBuf,
    subscription: String,
}

/// How one command ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// One request and its answer, as `az --debug` shows them.
#[derive(Debug, Default)]
struct Exchange {
    method: String,
    url: String,
    status: u16,
    /// Of the answer; names in lower case.
    headers: BTreeMap<String, String>,
    body: Value,
}

impl Az {
    /// Signs in with the program's own command.
    fn sign_in(server: Server) -> Self {
        let program = prepared("GALLERIST_AZ");
        let subscription = server.connection().subscription_id.to_string();
        let az = Self { server, program, subscription };
        let mut login = az.server.command(&["az-login", "--az"]);
        let output = az.settle(login.arg(&az.program)).output().unwrap();
        let said = Said::from(output);
        assert_eq!(said.code, Some(0), "{}", said.err);
        let trust = az.server.connection().ca_file;
        assert_eq!(said.out, format!("export REQUESTS_CA_BUNDLE='{}'\n", trust.display()));
        az
    }

    /// Runs one command, written as in a shell: words between blanks, blanks between single quotes; `{group}` is
    /// the id of the resource group, `{sub}` of the subscription, `{url}` the server.
    fn run(&self, line: &str) -> Said {
        let subscription = format!("/subscriptions/{}", self.subscription);
        let line = line
            .replace("{group}", &format!("{subscription}/resourceGroups/images"))
            .replace("{sub}", &subscription)
            .replace("{url}", self.server.connection().arm_endpoint.as_str());
        let mut command = Command::new(&self.program);
        command.args(words(&line)).env("REQUESTS_CA_BUNDLE", self.server.connection().ca_file);
        self.settle(&mut command).output().unwrap().into()
    }

    /// Runs a command that must succeed; answers the JSON it printed, null for none.
    fn json(&self, line: &str) -> Value {
        let said = self.run(line);
        assert_eq!(said.code, Some(0), "az {line}\n{}\n{}", said.err, self.server.log());
        said.json()
    }

    /// Runs a command that must succeed and print nothing.
    fn quiet(&self, line: &str) {
        assert_eq!(self.json(line), Value::Null, "az {line}");
    }

    /// Runs a command that must fail with this exit code, `(Code)` and words in its message.
    fn refuses(&self, line: &str, exit: i32, code: &str, words: &str) {
        if let Some(other) = self.other_than(line, exit, code, words) {
            panic!("{other}");
        }
    }

    /// What a command said instead of this refusal.
    fn other_than(&self, line: &str, exit: i32, code: &str, words: &str) -> Option<String> {
        let said = self.run(line);
        // `az rest` prints the error as it came.
        let named = [format!("({code}) "), format!("\"code\":\"{code}\"")];
        let is_named = code.is_empty() || named.iter().any(|named| said.err.contains(named));
        let is_right = said.code == Some(exit) && is_named && said.err.contains(words);
        let wanted = format!("exit code {exit}, ({code}), '{words}'");
        (!is_right).then(|| {
            format!(
                "az {line}\n  wanted: {wanted}\n  got: {:?} {}{}",
                said.code,
                said.err.trim(),
                said.out.trim()
            )
        })
    }

    /// Runs a command that must succeed; answers what went over the wire too.
    fn exchanges(&self, line: &str) -> (Value, Vec<Exchange>) {
        let said = self.run(&format!("{line} --debug"));
        assert_eq!(said.code, Some(0), "az {line}\n{}", said.err);
        let exchanges = exchanges(&said.err);
        assert!(!exchanges.is_empty(), "az {line} has talked to nobody");
        (said.json(), exchanges)
    }

    /// Its own folder, no telemetry, nobody to ask.
    fn settle<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("AZURE_CONFIG_DIR", self.server.scratch("az"))
            .env("AZURE_CORE_COLLECT_TELEMETRY", "no")
            .env("AZURE_CORE_SURVEY_MESSAGE", "no")
            .env("AZURE_CORE_CHECK_VERSION", "no")
            .env("AZURE_CORE_NO_COLOR", "yes")
            .env("AZURE_CORE_LOGIN_EXPERIENCE_V2", "no")
            .stdin(Stdio::null())
    }
}

impl Said {
    fn json(&self) -> Value {
        if self.out.trim().is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Exchange {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Whether the client has to come back to learn the outcome.
    fn is_unfinished(&self) -> bool {
        self.status == 202
            || self.header("azure-asyncoperation").is_some()
            || matches!(self.body["status"].as_str(), Some("InProgress" | "Running" | "Accepted"))
    }
}

/// Reads the requests and answers out of what `--debug` prints.
fn exchanges(debug: &str) -> Vec<Exchange> {
    let mut found: Vec<Exchange> = Vec::new();
    let mut in_answer = false;
    let mut awaits_body = false;
    for line in debug.lines() {
        let Some((_, text)) = line.split_once(": ").and_then(|(_, rest)| rest.split_once(": ")) else {
            continue;
        };
        let quoted = |name: &str| text.strip_prefix(name).map(|value| value.trim_matches('\'').to_owned());
        if let Some(url) = quoted("Request URL: ") {
            found.push(Exchange { url, ..Exchange::default() });
            in_answer = false;
        }
        let Some(last) = found.last_mut() else { continue };
        if let Some(method) = quoted("Request method: ") {
            last.method = method;
        } else if let Some(status) = quoted("Response status: ") {
            last.status = status.parse().unwrap();
        } else if text == "Response headers:" {
            in_answer = true;
        } else if text == "Response content:" {
            awaits_body = true;
        } else if awaits_body {
            last.body = serde_json::from_str(text).unwrap_or_default();
            awaits_body = false;
        } else if in_answer && let Some((name, value)) = text.trim().split_once("': '") {
            let name = name.trim_start_matches('\'').to_ascii_lowercase();
            last.headers.insert(name, value.trim_end_matches('\'').to_owned());
        }
    }
    found
}

/// Splits a command into its words.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut is_quoted, mut is_open) = (String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (is_quoted, is_open) = (!is_quoted, true),
            ' ' if !is_quoted => {
                if is_open {
                    words.push(std::mem::take(&mut word));
                }
                is_open = false;
            }
            _ => {
                word.push(c);
                is_open = true;
            }
        }
    }
    if is_open {
        words.push(word);
    }
    words
}
