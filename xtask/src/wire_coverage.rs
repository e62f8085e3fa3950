//! `docs/wire-coverage.md`: every operation of the gallery's wire, and whether it is built.
//!
//! What is built is told by the registry and the views, never by hand. The table names method and path of each
//! operation, so it can be decided anew, and found stale, without the documents it was made from.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use control::{Method, Registry};

use crate::spec::Specs;

/// Where the table stands, from the root of the repository.
pub const FILE: &str = "docs/wire-coverage.md";

const HEAD: &str = "\
# What of Azure's wire is answered

Made by `cargo xtask wire-coverage`; do not edit. Each operation of the documents that describe compute galleries is
either implemented, or refused with an error in ARM's shape, whose code stands in the last column.

";

/// One operation of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    id: String,
    method: String,
    path: String,
    answer: String,
}

/// The operations of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    /// `gallery.json 2024-03-03`.
    title: String,
    rows: Vec<Row>,
}

/// Makes the table anew, from the documents in `spec` or else from the operations that it lists already.
///
/// # Errors
/// When neither can be read.
pub fn table(spec: Option<&Path>, standing: &Path) -> anyhow::Result<String> {
    let mut sections = match spec {
        Some(folder) => from_documents(&Specs::open(folder)?)?,
        None => {
            let text = fs::read_to_string(standing);
            parsed(&text.with_context(|| format!("could not read {}", standing.display()))?)?
        }
    };
    let registry = Registry::new(providers::resource_types());
    for section in &mut sections {
        let api_version = section.title.rsplit(' ').next().unwrap_or_default().to_owned();
        for row in &mut section.rows {
            row.answer = answer(&registry, &row.method, &row.path, &api_version)?;
        }
    }
    Ok(written(&sections))
}

/// `implemented`, or what a client is told.
pub(crate) fn answer(
    registry: &Registry,
    method: &str,
    path: &str,
    api_version: &str,
) -> anyhow::Result<String> {
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "POST" => Method::Post,
        "DELETE" => Method::Delete,
        other => bail!("{other} is no method of ARM"),
    };
    let api_version = api_version.parse().with_context(|| format!("'{api_version}' is no api-version"))?;
    // The operations are routed, but there is no edge zone that they could find.
    if path.contains("/edgeZones/{") {
        return Ok("refused: NotFound".to_owned());
    }
    // Any names do: what stands is not looked at.
    let named = path.replace(['{', '}'], "");
    Ok(match control::served(registry, method, &named, &api_version) {
        Ok(()) => "implemented".to_owned(),
        Err(refusal) => format!("refused: {}", refusal.detail.code),
    })
}

fn from_documents(specs: &Specs) -> anyhow::Result<Vec<Section>> {
    let mut sections: Vec<Section> = Vec::new();
    for operation in specs.operations()? {
        let title = format!("{} {}", operation.document, operation.api_version);
        if sections.last().is_none_or(|last| last.title != title) {
            sections.push(Section { title, rows: Vec::new() });
        }
        let row =
            Row { id: operation.id, method: operation.method, path: operation.path, answer: String::new() };
        if let Some(section) = sections.last_mut() {
            section.rows.push(row);
        }
    }
    Ok(sections)
}

fn parsed(text: &str) -> anyhow::Result<Vec<Section>> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let title = heading.split_once(':').map_or(heading, |(title, _)| title).to_owned();
            sections.push(Section { title, rows: Vec::new() });
        } else if let Some(cells) = line.strip_prefix("| ").filter(|cells| cells.contains('`')) {
            let cells: Vec<&str> = cells.trim_end_matches(" |").split(" | ").collect();
            let [id, method, path, answer] = cells.as_slice() else {
                bail!("a row of {FILE} has {} cells: {line}", cells.len())
            };
            let path = path.trim_matches('`').to_owned();
            let row = Row {
                id: (*id).to_owned(),
                method: (*method).to_owned(),
                path,
                answer: (*answer).to_owned(),
            };
            sections.last_mut().context("a row stands before the first heading")?.rows.push(row);
        }
    }
    Ok(sections)
}

fn written(sections: &[Section]) -> String {
    let mut text = HEAD.to_owned();
    let is_built = |row: &&Row| row.answer == "implemented";
    let (mut built, mut all) = (0, 0);
    for section in sections {
        built += section.rows.iter().filter(is_built).count();
        all += section.rows.len();
    }
    let _infallible = writeln!(text, "{built} of {all} operations are implemented.");
    for section in sections {
        let built = section.rows.iter().filter(is_built).count();
        let _infallible = writeln!(text, "\n## {}: {built} of {}\n", section.title, section.rows.len());
        text.push_str("| operation | method | path | answer |\n|---|---|---|---|\n");
        for Row { id, method, path, answer } in &section.rows {
            let _infallible = writeln!(text, "| {id} | {method} | `{path}` | {answer} |");
        }
    }
    text
}
