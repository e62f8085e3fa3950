//! Whether a running server answers as Azure's own documents say: every example of every operation, replayed.
//!
//! What an example needs is made first, in a group of its own that goes with it. Statuses are compared with the
//! documented ones, bodies with their schemas. What is not built must be refused in ARM's shape.

mod adapt;
mod client;
mod known;
mod links;
mod own;
mod replay;
mod report;
mod setting;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use control::Registry;
use serde_json::Value;

pub use client::Target;
pub use own::OwnServer;
pub use report::{Outcome, Report};

use crate::spec::{Operation, Specs};
use client::Client;
use known::Known;
use links::Links;
use replay::Stage;
use report::Row;

/// How a server must be set up for the examples: their regions, and that it reads links on this machine.
pub const CONFIG: &str = "\
[source]
allow = [\"127.0.0.1\"]

[[region]]
name = \"westus\"
[[region]]
name = \"eastus\"
[[region]]
name = \"southcentralus\"
[[region]]
name = \"northcentralus\"
";

/// Replays the examples of the documents below `spec` whose operation or file has `only` in its name.
///
/// # Errors
/// When the documents cannot be read or the server does not answer at all.
pub async fn run(spec: &Path, target: &Target, only: &str) -> anyhow::Result<Report> {
    let specs = Specs::open(spec)?;
    let (operations, known) = (specs.operations()?, Known::read()?);
    let (client, links) = (Client::new(target)?, Links::serve().await?);
    let subscription = client.subscription().await?;
    let mut stage = Stage {
        specs: &specs,
        operations: &operations,
        client: &client,
        known: &known,
        registry: Registry::new(providers::resource_types()),
        subscription,
        links: links.base.clone(),
        run: std::process::id().to_string(),
        strangers: BTreeSet::new(),
        slips: BTreeSet::new(),
    };
    let mut report = Report::default();
    for operation in &operations {
        for (name, example) in examples(operation) {
            if !operation.id.contains(only) && !name.contains(only) {
                continue;
            }
            let outcome = match known.out_of_scope.get(&name) {
                Some(reason) => Outcome::OutOfScope(reason.clone()),
                None => {
                    let replayed = stage.replay(operation, &name, &example, report.rows.len()).await;
                    replayed.with_context(|| format!("{} {name}", operation.id))?
                }
            };
            let (document, operation) = (operation.document.clone(), operation.id.clone());
            report.rows.push(Row { document, operation, example: name, outcome });
        }
    }
    report.strangers = stage.strangers;
    report.slips = stage.slips;
    Ok(report)
}

/// The examples of an operation; one with made-up parameters when the documents have none.
fn examples(operation: &Operation) -> BTreeMap<String, Value> {
    if operation.examples.is_empty() {
        return [("without an example".to_owned(), Value::Null)].into();
    }
    operation.examples.clone()
}
