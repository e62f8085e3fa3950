//! What is wrong with an image, or would be: rules, each with its evidence and its remedy.
//!
//! A rule ends in one of four ways; what could not be looked at is [`Outcome::Unknown`] and never a pass. Evidence says
//! where and of what kind a thing is; of a secret it holds length and digest, never a part of it.

mod accounts;
mod boot;
mod generalization;
mod hardening;
mod layout;
mod leftovers;
mod pattern;
mod registry;
mod secrets;
#[cfg(test)]
mod tests;
mod windows;

use std::borrow::Cow;
use std::cell::OnceCell;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::secrets::Secrets;
use crate::bytes::as_u64;
use crate::contract::{self, Action, Contract};
use crate::facts::boot::hex;
use crate::facts::{Facts, OsState, OsType};
use crate::guest::Guest;
use crate::observation::Observation;
use crate::text::plain;
use crate::tree::Error;
use crate::volumes::Volume;

/// Homes that are looked into.
const MOST_HOMES: usize = 256;
/// Pieces of evidence that one rule gives; the rest is counted.
const MOST_EVIDENCE: usize = 20;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// May hurt.
    Warning,
    /// Will hurt.
    Error,
    /// The image is not what it is declared to be, or cannot start.
    Blocker,
}

/// How a rule ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// All is well.
    Pass,
    /// There are findings.
    Fail,
    /// The rule is not about such images.
    NotApplicable,
    /// It could not be told.
    Unknown,
}

/// A rule, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its identifier.
    pub rule: Cow<'static, str>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule's identifier.
    pub rule: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// Whether the rule failed, or could not be decided.
    pub outcome: Outcome,
    /// What is wrong, in a sentence.
    pub title: Cow<'static, str>,
    /// Where.
    pub evidence: Vec<Evidence>,
    /// Pieces of evidence beyond those told.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
    /// What to do: a command where one does it.
    pub remedy: Cow<'static, str>,
    /// What follows, by the policy.
    #[serde(default)]
    pub action: Action,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Where something is, and what it is like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evidence {
    /// The volume it is on, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where in the file, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Its length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length_bytes: Option<u64>,
    /// The first 16 digits of its SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What it is.
    pub what: String,
}

impl Evidence {
    /// Words without a place.
    pub(crate) fn words(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// Something about a file.
    pub(crate) fn at(path: impl AsRef<[u8]>, what: impl Into<String>) -> Self {
        Self { path: Some(plain(path.as_ref())), ..Self::words(what) }
    }

    /// A secret in a file: only its length and digest are kept.
    pub(crate) fn secret(
        path: impl AsRef<[u8]>,
        offset: usize,
        secret: &[u8],
        what: impl Into<String>,
    ) -> Self {
        Self {
            offset: Some(as_u64(offset)),
            length_bytes: Some(as_u64(secret.len())),
            sha256: Some(hex(&Sha256::digest(secret)).chars().take(16).collect()),
            ..Self::at(path, what)
        }
    }
}

/// What rules look at.
pub(crate) struct Scene<'s> {
    /// The files of the system, when there is one that can be read.
    pub(crate) guest: Option<Guest<'s>>,
    /// What is known of the disk.
    pub(crate) facts: &'s Facts,
    /// What was odd about the disk.
    pub(crate) observations: &'s [Observation],
    /// Its volumes, as far as they are open.
    pub(crate) volumes: &'s [Volume<'s>],
    /// What it is declared to be.
    pub(crate) contract: &'s Contract,
    secrets: OnceCell<Result<Secrets, Error>>,
}

impl<'s> Scene<'s> {
    pub(crate) fn new(
        guest: Option<Guest<'s>>,
        facts: &'s Facts,
        observations: &'s [Observation],
        contract: &'s Contract,
    ) -> Self {
        Self { guest, facts, observations, volumes: &[], contract, secrets: OnceCell::new() }
    }

    /// The same, with volumes whose free space can be looked at.
    pub(crate) fn with_volumes(self, volumes: &'s [Volume<'s>]) -> Self {
        Self { volumes, ..self }
    }

    pub(crate) fn guest(&self) -> Result<&Guest<'s>, Error> {
        self.guest.as_ref().ok_or_else(|| Error::NotThere("no system was found".to_owned()))
    }

    /// Whether machines made of the image are to be new ones.
    pub(crate) fn is_template(&self) -> bool {
        self.contract.os_state != Some(OsState::Specialized)
    }

    /// A fact that a rule builds on must not be unknown.
    pub(crate) fn knows(&self, fact: &str) -> Result<(), Error> {
        match self.facts.unknown.iter().find(|unknown| unknown.fact == fact) {
            Some(unknown) => Err(Error::Damaged(unknown.why.clone())),
            None => Ok(()),
        }
    }

    /// What a search of the files for secrets has found; it is made once.
    fn secrets(&self) -> Result<&Secrets, Error> {
        let found =
            self.secrets.get_or_init(|| secrets::search(self.guest()?, self.facts.os_type, &self.homes()));
        found.as_ref().map_err(Clone::clone)
    }

    /// Homes of all accounts that may hold files of a person, root's first.
    fn homes(&self) -> Vec<String> {
        if self.facts.os_type == Some(OsType::Windows) {
            // A folder that cannot be listed is told by whoever searches it.
            let names = self.guest.as_ref().and_then(|guest| guest.names("/Users").ok()).unwrap_or_default();
            return names.iter().take(MOST_HOMES).map(|name| format!("/Users/{}", plain(name))).collect();
        }
        let mut homes = vec!["/root".to_owned()];
        // An account that is gone may have left its home.
        let left = self.guest.as_ref().and_then(|guest| guest.names("/home").ok()).unwrap_or_default();
        homes.extend(
            left.iter().take(MOST_HOMES).map(|name| format!("/home/{}", String::from_utf8_lossy(name))),
        );
        for user in self.facts.users.iter().filter(|user| user.has_shell()).take(MOST_HOMES) {
            let home = user.home.trim_end_matches('/');
            let is_own = home.len() > 1 && !home.starts_with("/usr") && !home.starts_with("/bin");
            if is_own && !homes.iter().any(|known| known == home) {
                homes.push(home.to_owned());
            }
        }
        homes
    }
}

/// One thing that a rule found.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    evidence: Evidence,
    /// Where it differs from the rule's own.
    pub(crate) severity: Option<Severity>,
}

impl From<Evidence> for Hit {
    fn from(evidence: Evidence) -> Self {
        Self { evidence, severity: None }
    }
}

impl Evidence {
    pub(crate) fn rated(self, severity: Severity) -> Hit {
        Hit { evidence: self, severity: Some(severity) }
    }
}

/// Which images a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All.
    Any,
    /// Those that hold a Linux.
    Linux,
    /// Those that hold a Linux and are not declared to be one machine.
    LinuxTemplate,
    /// Those that hold a Windows.
    Windows,
}

/// How a rule looks.
pub(crate) enum Look {
    /// Nothing but empty files may stand there (see [`pattern`]).
    Left(&'static [&'static str]),
    /// By code; no hits are a pass, `None` is "not about such images".
    With(fn(&Scene<'_>) -> Result<Option<Vec<Hit>>, Error>),
}

/// A rule.
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
    pub(crate) scope: Scope,
    pub(crate) title: &'static str,
    pub(crate) remedy: &'static str,
    pub(crate) look: Look,
}

/// Every rule, in the order in which findings of one severity are told.
fn rules() -> impl Iterator<Item = &'static Rule> {
    [
        contract::RULES,
        boot::RULES,
        layout::RULES,
        generalization::RULES,
        accounts::RULES,
        hardening::RULES,
        secrets::RULES,
        leftovers::RULES,
        registry::RULES,
        windows::RULES,
    ]
    .into_iter()
    .flatten()
}

/// Identifier and title of every rule there is.
pub fn catalogue() -> impl Iterator<Item = (&'static str, &'static str)> {
    rules().map(|rule| (rule.id, rule.title))
}

/// Applies every rule.
pub(crate) fn all(scene: &Scene<'_>) -> (Vec<Check>, Vec<Finding>) {
    let (mut checks, mut findings) = (Vec::new(), Vec::new());
    for rule in rules() {
        let (outcome, hits) = match rule.apply(scene) {
            Ok(None) => (Outcome::NotApplicable, Vec::new()),
            Ok(Some(hits)) if hits.is_empty() => (Outcome::Pass, hits),
            Ok(Some(hits)) => (Outcome::Fail, hits),
            Err(error) => {
                let words = Evidence::words(format!("it could not be told: {error}"));
                (Outcome::Unknown, vec![words.rated(Severity::Warning)])
            }
        };
        checks.push(Check { rule: rule.id.into(), outcome });
        findings.extend(rule.findings(outcome, hits));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    (checks, findings)
}

impl Rule {
    fn apply(&self, scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
        let is_about = match self.scope {
            Scope::Any => true,
            Scope::Linux => scene.facts.os_type == Some(OsType::Linux),
            Scope::LinuxTemplate => scene.facts.os_type == Some(OsType::Linux) && scene.is_template(),
            Scope::Windows => scene.facts.os_type == Some(OsType::Windows),
        };
        match (&self.look, is_about) {
            (_, false) => Ok(None),
            (Look::With(look), true) => look(scene),
            (Look::Left(patterns), true) => {
                let homes = scene.homes();
                pattern::files(scene.guest()?, &homes, patterns).map(|found| {
                    let left = |(path, size_bytes)| {
                        let size = Some(size_bytes);
                        Hit::from(Evidence {
                            length_bytes: size,
                            ..Evidence::at(path, "is left in the image")
                        })
                    };
                    Some(found.into_iter().map(left).collect())
                })
            }
        }
    }

    /// The hits of each severity as one finding.
    fn findings(&self, outcome: Outcome, hits: Vec<Hit>) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for hit in hits {
            let severity = hit.severity.unwrap_or(self.severity);
            let place = findings.iter().position(|finding| finding.severity == severity);
            let place = place.unwrap_or_else(|| {
                findings.push(Finding {
                    rule: self.id.into(),
                    severity,
                    outcome,
                    title: self.title.into(),
                    evidence: Vec::new(),
                    more: 0,
                    remedy: self.remedy.into(),
                    action: Action::Warn,
                });
                findings.len() - 1
            });
            let Some(finding) = findings.get_mut(place) else { continue };
            if finding.evidence.len() < MOST_EVIDENCE {
                finding.evidence.push(hit.evidence);
            } else {
                finding.more += 1;
            }
        }
        findings
    }
}

/// Hits out of evidence, all as bad as the rule says.
fn hits(evidence: impl IntoIterator<Item = Evidence>) -> Result<Option<Vec<Hit>>, Error> {
    Ok(Some(evidence.into_iter().map(Hit::from).collect()))
}
