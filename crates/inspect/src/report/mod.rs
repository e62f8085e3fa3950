//! What an inspection came to: facts, findings and a verdict, in forms for people and for other programs.
//!
//! A report is plain data and round-trips through JSON; every other form is made from it, so that a report that was kept
//! can be told anew without the disk.

mod cyclonedx;
mod diff;
mod purl;
mod sarif;
mod spdx;
mod table;
#[cfg(test)]
mod tests;

use disks::Blocks;
use serde::{Deserialize, Serialize};

pub use self::diff::{Change, Difference};
use crate::budget::Budget;
use crate::contract::{Action, Contract, Policy};
use crate::disk::Disk;
use crate::facts::Facts;
use crate::findings::{self, Check, Evidence, Finding, Outcome, Scene, Severity};
use crate::guest::Guest;
use crate::memory::Memory;
use crate::root::Root;

/// The rule under which an inspection that came to nothing is told.
const UNKNOWN: &str = "INSPECTION";

/// The number that changes when the form of a report does.
pub const SCHEMA: u32 = 1;

/// Whether an image may be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It may.
    Accepted,
    /// It may not, for [`Report::reasons`].
    Refused,
}

/// Why an image is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// A fixed word: the rule of a finding, or the reason of a container's refusal.
    pub code: String,
    /// What is wrong, where, and what to do.
    pub message: String,
}

/// What an inspection came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of the rules.
    pub inspector: String,
    /// The day, `YYYY-MM-DD`.
    pub inspected_on: String,
    /// What the image is called; empty when it has no name.
    #[serde(default)]
    pub name: String,
    /// Whether it may be published.
    pub verdict: Verdict,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// What it is declared to be.
    pub contract: Contract,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// Every rule, and how it ended.
    pub checks: Vec<Check>,
    /// What it is.
    pub facts: Facts,
}

/// What an inspection needs to know besides the bytes.
#[derive(Clone, Debug, Default)]
pub struct Inspection<'i> {
    /// What the image is called.
    pub name: &'i str,
    /// The day, `YYYY-MM-DD`.
    pub today: &'i str,
    /// What the image is declared to be.
    pub contract: Contract,
    /// What follows from findings.
    pub policy: Policy,
    /// What may be used up.
    pub budget: Budget,
    /// What earlier inspections came to.
    pub memory: Option<&'i Memory>,
}

impl Inspection<'_> {
    /// Looks at a disk.
    #[must_use]
    pub fn of(&self, blocks: &dyn Blocks) -> Report {
        let disk = Disk::open(blocks, self.budget).remembering(self.memory);
        let facts = Facts::of(&disk, self.today);
        let root = disk.roots.first();
        let guest = root.map(|root| Guest::new(&root.tree).remembering(disk.memory()));
        let (checks, mut findings) = {
            let scene = Scene::new(guest, &facts, &disk.observations, &self.contract);
            let scene = scene.with_volumes(&disk.volumes);
            findings::all(&scene)
        };
        for evidence in findings.iter_mut().flat_map(|finding| &mut finding.evidence) {
            place(evidence, root, &disk);
        }
        self.report(facts, checks, findings)
    }

    /// The report on a container that was refused before its disk could be looked at.
    #[must_use]
    pub fn refused(&self, code: &str, message: &str) -> Report {
        let mut report = self.report(Facts::default(), Vec::new(), Vec::new());
        report.verdict = Verdict::Refused;
        report.reasons = vec![Reason { code: code.to_owned(), message: message.to_owned() }];
        report
    }

    /// The report on a disk that could not be looked at, for `why`: nothing is known of it.
    #[must_use]
    pub fn unknown(&self, why: &str) -> Report {
        let finding = Finding {
            rule: UNKNOWN.into(),
            severity: Severity::Error,
            outcome: Outcome::Unknown,
            title: "The image could not be inspected.".into(),
            evidence: vec![Evidence::words(why)],
            more: 0,
            remedy:
                "Put the version again; if it stays so, this is a fault of the inspector, please report it."
                    .into(),
            action: Action::default(),
        };
        self.report(
            Facts::default(),
            vec![Check { rule: UNKNOWN.into(), outcome: Outcome::Unknown }],
            vec![finding],
        )
    }

    pub(crate) fn report(&self, facts: Facts, checks: Vec<Check>, mut findings: Vec<Finding>) -> Report {
        for finding in &mut findings {
            finding.action = self.policy.action(finding);
        }
        let refusing = findings.iter().filter(|finding| finding.action == Action::Refuse);
        let reasons: Vec<Reason> = refusing.map(reason).collect();
        Report {
            schema: SCHEMA,
            inspector: format!("gallerist {}", env!("CARGO_PKG_VERSION")),
            inspected_on: self.today.to_owned(),
            name: self.name.to_owned(),
            verdict: if reasons.is_empty() { Verdict::Accepted } else { Verdict::Refused },
            reasons,
            contract: self.contract.clone(),
            findings,
            checks,
            facts,
        }
    }
}

fn reason(finding: &Finding) -> Reason {
    let place = |evidence: &Evidence| match &evidence.path {
        Some(path) => format!("{path} {}", evidence.what),
        None => evidence.what.clone(),
    };
    let evidence: Vec<String> = finding.evidence.iter().take(3).map(place).collect();
    let message = format!("{} {}. To mend it: {}", finding.title, evidence.join("; "), finding.remedy);
    Reason { code: finding.rule.to_string(), message }
}

/// Says on which volume a piece of evidence is.
fn place(evidence: &mut Evidence, root: Option<&Root<'_>>, disk: &Disk<'_>) {
    if let (None, Some(path), Some(root)) = (&evidence.volume, &evidence.path, root) {
        let mount = root.tree.locate(path.as_bytes()).map(|(mount, _)| mount.volume);
        let volume = mount.and_then(|index| disk.volumes.get(index));
        evidence.volume = volume.map(|volume| volume.place.to_string());
    }
}
