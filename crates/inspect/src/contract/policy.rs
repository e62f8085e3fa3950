//! What follows from a finding: the version is refused, or its report says so, or nothing.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::NotUnderstood;
use crate::findings::{Finding, Outcome, Severity, catalogue};

/// What follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// The image is refused.
    Refuse,
    /// The report says so.
    #[default]
    Warn,
    /// Nothing.
    Ignore,
}

/// What follows from each rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Policy {
    /// Whether anything is refused at all.
    pub enforced: bool,
    /// What follows from rules by their identifiers; from the others, a [`Severity::Blocker`] refuses.
    pub rules: BTreeMap<String, Action>,
    /// What follows when a rule about the contract could not be decided.
    pub unknown: Action,
}

impl Default for Policy {
    /// Refuses what cannot start or is plainly false, and tells the rest.
    fn default() -> Self {
        Self { enforced: true, rules: BTreeMap::new(), unknown: Action::Warn }
    }
}

impl Policy {
    /// Refuses nothing.
    #[must_use]
    pub fn off() -> Self {
        Self { enforced: false, ..Self::default() }
    }

    /// What follows from `finding`.
    #[must_use]
    pub fn action(&self, finding: &Finding) -> Action {
        let wanted = match self.rules.get(&*finding.rule) {
            Some(action) => *action,
            None if finding.severity == Severity::Blocker => Action::Refuse,
            None if finding.outcome == Outcome::Unknown && is_of_contract(&finding.rule) => self.unknown,
            None => Action::Warn,
        };
        if wanted == Action::Refuse && !self.enforced { Action::Warn } else { wanted }
    }
}

fn is_of_contract(rule: &str) -> bool {
    super::RULES.iter().any(|known| known.id == rule)
}

impl FromStr for Policy {
    type Err = NotUnderstood;

    /// Reads `off`, `default`, or rules that differ from the default: `OS-STATE=warn,SEC-TOKENS=refuse,unknown=refuse`.
    fn from_str(text: &str) -> Result<Self, NotUnderstood> {
        let mut policy = Self::default();
        for member in text.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            match member.split_once('=') {
                None if member == "default" => {}
                None if member == "off" => policy.enforced = false,
                Some(("unknown", action)) => policy.unknown = parse(action)?,
                Some((rule, action)) if catalogue().any(|(known, _)| known == rule) => {
                    policy.rules.insert(rule.to_owned(), parse(action)?);
                }
                _ => {
                    return Err(NotUnderstood(format!(
                        "'{member}' is no policy; say off, default, or RULE=refuse, RULE=warn, RULE=ignore"
                    )));
                }
            }
        }
        Ok(policy)
    }
}

fn parse(action: &str) -> Result<Action, NotUnderstood> {
    match action {
        "refuse" => Ok(Action::Refuse),
        "warn" => Ok(Action::Warn),
        "ignore" => Ok(Action::Ignore),
        _ => Err(NotUnderstood(format!("'{action}' is none of refuse, warn and ignore"))),
    }
}
