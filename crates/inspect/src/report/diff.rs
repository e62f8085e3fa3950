//! What changed between two images: packages, services, users, kernels, arguments, loaders, findings.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::Report;
use crate::packages::{Package, compare_versions};

/// What happened to one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "change")]
pub enum Change {
    /// It is new.
    Added {
        /// Its name.
        name: String,
        /// What it is now.
        to: String,
    },
    /// It is gone.
    Removed {
        /// Its name.
        name: String,
        /// What it was.
        from: String,
    },
    /// It is another.
    Changed {
        /// Its name.
        name: String,
        /// What it was.
        from: String,
        /// What it is now.
        to: String,
        /// Whether its version is older now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        older: bool,
    },
}

/// Everything that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Single facts: distribution, state, architecture, generations, kernel, sizes.
    pub facts: Vec<Change>,
    /// Packages.
    pub packages: Vec<Change>,
    /// Units and services that start by themselves.
    pub services: Vec<Change>,
    /// Accounts.
    pub users: Vec<Change>,
    /// Words on the kernel's command line.
    pub kernel_arguments: Vec<Change>,
    /// Effective settings of sshd.
    pub sshd: Vec<Change>,
    /// Loaders.
    pub loaders: Vec<Change>,
    /// Findings.
    pub findings: Vec<Change>,
}

type Named = BTreeMap<String, String>;

impl Difference {
    /// From `old` to `new`.
    #[must_use]
    pub fn between(old: &Report, new: &Report) -> Self {
        let both = |named: fn(&Report) -> Named| changes(&named(old), &named(new), |_, _, _| false);
        let ecosystem =
            new.facts.packages.first().or(old.facts.packages.first()).map(|package| package.ecosystem);
        let is_older = |_: &str, from: &str, to: &str| {
            ecosystem.is_some_and(|ecosystem| compare_versions(ecosystem, to, from) == Ordering::Less)
        };
        Self {
            facts: both(facts),
            packages: changes(&packages(old), &packages(new), is_older),
            services: both(|report| names(report.facts.services.iter().cloned())),
            users: both(users),
            kernel_arguments: both(|report| {
                names(report.facts.boot.entry.iter().flat_map(|entry| entry.arguments.iter().cloned()))
            }),
            sshd: both(|report| report.facts.sshd.clone()),
            loaders: both(loaders),
            findings: both(findings),
        }
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups().iter().all(|(_, changes)| changes.is_empty())
    }

    fn groups(&self) -> [(&'static str, &[Change]); 8] {
        [
            ("facts", &self.facts),
            ("packages", &self.packages),
            ("services", &self.services),
            ("users", &self.users),
            ("kernel arguments", &self.kernel_arguments),
            ("sshd", &self.sshd),
            ("loaders", &self.loaders),
            ("findings", &self.findings),
        ]
    }

    /// The changes as lines of text.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        for (name, changes) in self.groups().iter().filter(|(_, changes)| !changes.is_empty()) {
            let _infallible = writeln!(text, "{name}:");
            for change in *changes {
                let line = match change {
                    Change::Added { name, to } => format!("  + {name} {to}"),
                    Change::Removed { name, from } => format!("  - {name} {from}"),
                    Change::Changed { name, from, to, older } => {
                        format!("  ~ {name} {from} -> {to}{}", if *older { " (older)" } else { "" })
                    }
                };
                let _infallible = writeln!(text, "{}", line.trim_end());
            }
        }
        if text.is_empty() {
            text.push_str("nothing changed\n");
        }
        text
    }
}

fn changes(old: &Named, new: &Named, is_older: impl Fn(&str, &str, &str) -> bool) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, from) in old {
        match new.get(name) {
            None => changes.push(Change::Removed { name: name.clone(), from: from.clone() }),
            Some(to) if to != from => changes.push(Change::Changed {
                name: name.clone(),
                from: from.clone(),
                to: to.clone(),
                older: is_older(name, from, to),
            }),
            Some(_) => {}
        }
    }
    let added = new.iter().filter(|(name, _)| !old.contains_key(*name));
    changes.extend(added.map(|(name, to)| Change::Added { name: name.clone(), to: to.clone() }));
    changes
}

fn names(names: impl Iterator<Item = String>) -> Named {
    names.map(|name| (name, String::new())).collect()
}

/// Packages by name and architecture; kernels of several versions stand beside each other.
fn packages(report: &Report) -> Named {
    let mut packages: BTreeMap<String, Vec<&Package>> = BTreeMap::new();
    for package in &report.facts.packages {
        let name = match package.architecture.as_str() {
            "" | "all" | "noarch" => package.name.clone(),
            architecture => format!("{}:{architecture}", package.name),
        };
        packages.entry(name).or_default().push(package);
    }
    let versions =
        |of: Vec<&Package>| of.iter().map(|package| package.version.as_str()).collect::<Vec<_>>().join(", ");
    packages.into_iter().map(|(name, of)| (name, versions(of))).collect()
}

fn users(report: &Report) -> Named {
    let words = |user: &crate::facts::User| {
        let password = match &user.password {
            crate::facts::Password::Locked => "locked",
            crate::facts::Password::LockedHash(_) => "locked with a hash",
            crate::facts::Password::Hash(_) => "with a password",
            crate::facts::Password::Empty => "without a password",
        };
        let sudo = if user.sudo_without_password { ", sudo" } else { "" };
        format!("{} {} {password}, {} keys{sudo}", user.uid, user.shell, user.key_count)
    };
    report.facts.users.iter().map(|user| (user.name.clone(), words(user))).collect()
}

fn loaders(report: &Report) -> Named {
    let words = |loader: &crate::facts::Loader| {
        let digest: String = loader.sha256.chars().take(16).collect();
        format!("{digest} {}", loader.authorities.join(", ")).trim_end().to_owned()
    };
    report.facts.boot.loaders.iter().map(|loader| (loader.path.clone(), words(loader))).collect()
}

fn findings(report: &Report) -> Named {
    let mut found = Named::new();
    for finding in &report.findings {
        for evidence in &finding.evidence {
            let place = evidence.path.as_deref().unwrap_or(&evidence.what);
            found.insert(format!("{} {place}", finding.rule), finding.title.to_string());
        }
    }
    found
}

fn facts(report: &Report) -> Named {
    let facts = &report.facts;
    let mut named = Named::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            named.insert(name.to_owned(), value);
        }
    };
    add("operating system", facts.os_type.map(|kind| kind.name().to_owned()));
    add("distribution", facts.distribution.as_ref().map(|found| format!("{} {}", found.id, found.version)));
    add("support ends", facts.lifecycle.as_ref().map(|life| life.regular_end.clone()));
    add("state", facts.os_state.map(|state| state.name().to_owned()));
    add("architecture", facts.architecture.map(|found| found.name().to_owned()));
    let generations: Vec<&str> = facts.boot.generations.iter().map(|generation| generation.name()).collect();
    add("generations", Some(generations.join(", ")));
    add("kernel", facts.default_kernel.clone());
    add("partition table", Some(facts.layout.table.clone()));
    add("disk bytes", Some(facts.layout.size_bytes.to_string()));
    for volume in &facts.layout.volumes {
        add(&volume.place, Some(format!("{}, {} bytes", volume.content, volume.size_bytes)));
    }
    named
}
