//! Who may import whom: the picture of the workspace as a table, compared with what cargo knows.
//!
//! Imports point down only. Dev-dependencies are free, so that a test may use what its crate may not.

#[cfg(test)]
mod tests;

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::Finding;

/// Each crate of the workspace, and the crates of the workspace its code may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("arm", &[]),
    ("disks", &[]),
    ("seed", &[]),
    ("template", &[]),
    ("vms", &[]),
    ("store", &["disks"]),
    ("inspect", &["disks"]),
    ("metadata", &["arm"]),
    ("providers", &["arm", "template"]),
    ("control", &["arm", "providers", "metadata"]),
    ("workers", &["control", "providers", "template", "metadata", "arm", "inspect", "store", "disks"]),
    ("server", &["workers", "control", "providers", "metadata", "arm", "store"]),
    ("cli", &["server", "arm", "disks", "inspect", "store"]),
    (TESTS_ONLY, &["control", "arm"]),
    ("corpus", &["disks"]),
    ("xtask", &["control", "corpus", "providers"]),
];

/// The crate that others may have as a dev-dependency only.
const TESTS_ONLY: &str = "testkit";

/// Crates from outside that exactly one of ours may use, and why.
const RESERVED: &[(&str, &str, &str)] = &[("sqlx", "metadata", "only metadata speaks SQL")];

/// What `cargo metadata` says about the workspace, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<Kind>,
    /// Set for crates of the workspace, absent for those from a registry.
    path: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Normal,
    Build,
    Dev,
}

impl Workspace {
    /// Asks cargo; resolves nothing, so needs neither network nor lock file.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .output()
            .context("could not start cargo")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).context("could not read what cargo metadata printed")
    }
}

/// Compares every import with the table.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        match MAY_IMPORT.iter().find(|(name, _)| *name == package.name) {
            Some((_, allowed)) => check_package(package, allowed, &mut findings),
            None => findings.push(Finding {
                place: package.name.clone(),
                problem: "is not in the import table: add its row to xtask/src/tidy/imports.rs".to_owned(),
            }),
        }
    }
    for (name, _) in MAY_IMPORT {
        if !workspace.packages.iter().any(|package| package.name == *name) {
            findings.push(Finding {
                place: (*name).to_owned(),
                problem: "is in the import table but not in the workspace: remove its row from \
                          xtask/src/tidy/imports.rs"
                    .to_owned(),
            });
        }
    }
    findings
}

fn check_package(package: &Package, allowed: &[&str], findings: &mut Vec<Finding>) {
    for dependency in &package.dependencies {
        if let Some(problem) = problem_of(package, dependency, allowed) {
            findings.push(Finding { place: format!("{}/Cargo.toml", package.name), problem });
        }
    }
}

fn problem_of(package: &Package, dependency: &Dependency, allowed: &[&str]) -> Option<String> {
    let Package { name: importer, .. } = package;
    let Dependency { name: imported, kind, path } = dependency;
    if path.is_none() {
        let (_, owner, why) = RESERVED.iter().find(|(reserved, ..)| reserved == imported)?;
        return (importer != owner)
            .then(|| format!("{importer} may not use {imported}: {why}. Ask {owner} for what is needed"));
    }
    if *kind == Some(Kind::Dev) || allowed.contains(&imported.as_str()) {
        return None;
    }
    Some(if imported == TESTS_ONLY {
        format!("{imported} is for tests: make it a dev-dependency of {importer}")
    } else {
        format!(
            "{importer} may not import {imported}. It may import: {}. Move the code to where both may be used, \
             or change the picture in ARCHITECTURE.md and the table in xtask/src/tidy/imports.rs",
            if allowed.is_empty() { "nothing of ours".to_owned() } else { allowed.join(", ") }
        )
    })
}
