//! A report for people: what it is, what is wrong, what follows.

use std::fmt::Write as _;

use super::{Report, Verdict};
use crate::contract::Action;
use crate::facts::{Facts, LifeState};
use crate::findings::{Evidence, Finding, Outcome, Severity};

/// Pieces of evidence shown for one finding.
const SHOWN: usize = 5;

impl Report {
    /// The report as lines of text.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        let rows = rows(&self.facts);
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in rows {
            line(&mut text, &format!("{name:<width$}  {value}"));
        }
        for unknown in &self.facts.unknown {
            line(&mut text, &format!("unknown: {} ({})", unknown.fact, unknown.why));
        }
        let shown: Vec<&Finding> =
            self.findings.iter().filter(|finding| finding.action != Action::Ignore).collect();
        for finding in &shown {
            text.push('\n');
            tell(&mut text, finding);
        }
        text.push('\n');
        for reason in &self.reasons {
            line(&mut text, &format!("refused: {}: {}", reason.code, reason.message));
        }
        let count = |severity| shown.iter().filter(|finding| finding.severity == severity).count();
        let passed = self.checks.iter().filter(|check| check.outcome == Outcome::Pass).count();
        let verdict = match self.verdict {
            Verdict::Accepted => "accepted",
            Verdict::Refused => "refused",
        };
        line(
            &mut text,
            &format!(
                "{verdict}: {} blockers, {} errors, {} warnings, {} notes; {passed} rules passed",
                count(Severity::Blocker),
                count(Severity::Error),
                count(Severity::Warning),
                count(Severity::Info)
            ),
        );
        text
    }
}

fn line(text: &mut String, words: &str) {
    // Writing to a `String` cannot fail.
    let _infallible = writeln!(text, "{}", words.trim_end());
}

fn tell(text: &mut String, finding: &Finding) {
    let severity = match finding.severity {
        Severity::Blocker => "blocker",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let unknown = if finding.outcome == Outcome::Unknown { " (not decided)" } else { "" };
    line(text, &format!("{severity:<8} {}{unknown}: {}", finding.rule, finding.title));
    for evidence in finding.evidence.iter().take(SHOWN) {
        line(text, &format!("         - {}", words(evidence)));
    }
    let more = finding.evidence.len().saturating_sub(SHOWN) + finding.more;
    if more > 0 {
        line(text, &format!("         - and {more} more"));
    }
    line(text, &format!("         mend: {}", finding.remedy));
}

fn words(evidence: &Evidence) -> String {
    let mut words = match (&evidence.path, &evidence.volume) {
        (Some(path), Some(volume)) => format!("{path} ({volume}) {}", evidence.what),
        (Some(place), None) | (None, Some(place)) => format!("{place}: {}", evidence.what),
        (None, None) => evidence.what.clone(),
    };
    if let Some(offset) = evidence.offset {
        let _infallible = write!(words, ", at byte {offset}");
    }
    if let Some(length) = evidence.length_bytes {
        let _infallible = write!(words, ", {length} bytes");
    }
    if let Some(digest) = &evidence.sha256 {
        let _infallible = write!(words, ", sha256 {digest}…");
    }
    words
}

fn rows(facts: &Facts) -> Vec<(&'static str, String)> {
    let unknown = || "not known".to_owned();
    let joined = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let mut rows = vec![
        ("operating system", facts.os_type.map_or_else(unknown, |kind| kind.name().to_owned())),
        (
            "distribution",
            facts.distribution.as_ref().map_or_else(unknown, |found| {
                if found.name.is_empty() {
                    format!("{} {}", found.id, found.version)
                } else {
                    found.name.clone()
                }
            }),
        ),
        ("state", facts.os_state.map_or_else(unknown, |state| state.name().to_owned())),
        ("architecture", facts.architecture.map_or_else(unknown, |found| found.name().to_owned())),
        ("generations", joined(facts.boot.generations.iter().map(|generation| generation.name()).collect())),
        ("partition table", facts.layout.table.clone()),
        ("disk", format!("{} MiB", facts.layout.size_bytes >> 20)),
    ];
    if let Some(life) = &facts.lifecycle {
        let words = match life.state {
            LifeState::Supported => format!("until {}", life.regular_end),
            LifeState::ExtendedOnly => format!("long term only, until {}", life.extended_end),
            LifeState::Ended => format!("ended {}", life.extended_end),
        };
        rows.push(("support", words));
    }
    if let Some(kernel) = &facts.default_kernel {
        rows.push(("kernel", kernel.clone()));
    }
    if let Some(entry) = &facts.boot.entry {
        rows.push(("command line", entry.arguments.join(" ")));
    }
    for volume in &facts.layout.volumes {
        let label = volume.label.as_deref().map(|label| format!(" '{label}'")).unwrap_or_default();
        rows.push((
            "volume",
            format!("{}: {}{label}, {} MiB", volume.place, volume.content, volume.size_bytes >> 20),
        ));
    }
    if facts.os_type.is_some() {
        let agent = |agent: &crate::facts::Agent| {
            let off = if agent.enabled { "" } else { " (does not start)" };
            format!("{}{off}", [agent.name.as_str(), agent.version.as_str()].join(" ").trim_end())
        };
        let agents: Vec<String> = facts.agents.iter().map(agent).collect();
        rows.push(("agents", joined(agents.iter().map(String::as_str).collect())));
        rows.push(("packages", facts.packages.len().to_string()));
        rows.push(("services", facts.services.len().to_string()));
        let users = facts.users.iter().filter(|user| user.is_human()).map(|user| user.name.as_str());
        rows.push(("users", joined(users.collect())));
    }
    rows
}
