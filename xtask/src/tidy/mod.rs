//! Rules that the compiler does not know: who may import whom, and how the source tree looks.
//!
//! Every finding names its place and what to do. The rules are data; adding one is adding a line to a table.

mod code;
mod imports;
mod source;

use std::fmt;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A file with its line, or a manifest.
    pub(crate) place: String,
    /// What is wrong there, and what to do.
    pub(crate) problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// What one look at the whole workspace found.
#[derive(Debug)]
pub struct Report {
    crate_count: usize,
    file_count: usize,
    findings: Vec<Finding>,
}

impl Report {
    /// Whether every rule holds.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let Self { crate_count, file_count, findings } = self;
        writeln!(f, "tidy: {crate_count} crates, {file_count} files, {} findings", findings.len())
    }
}

/// Looks at the workspace that cargo finds from here.
///
/// # Errors
/// When cargo or a file of the tree cannot be read.
pub fn run() -> anyhow::Result<Report> {
    let workspace = imports::Workspace::load()?;
    let files = source::load(&workspace.workspace_root)?;
    let mut findings = imports::check(&workspace);
    findings.extend(source::check(&files));
    Ok(Report { crate_count: workspace.packages.len(), file_count: files.len(), findings })
}
