//! Findings as SARIF 2.1.0, which code hosts show beside a build.

use serde_json::{Value, json};

use super::Report;
use crate::contract::Action;
use crate::findings::{Evidence, Finding, Severity};

impl Report {
    /// The findings in SARIF 2.1.0; ignored ones are suppressed.
    #[must_use]
    pub fn sarif(&self) -> Value {
        let mut rules: Vec<&Finding> = Vec::new();
        for finding in &self.findings {
            if !rules.iter().any(|known| known.rule == finding.rule) {
                rules.push(finding);
            }
        }
        let rule = |finding: &&Finding| {
            json!({
                "id": finding.rule,
                "shortDescription": {"text": finding.title},
                "help": {"text": finding.remedy},
                "defaultConfiguration": {"level": level(finding.severity)},
            })
        };
        let results: Vec<Value> = self.findings.iter().flat_map(results).collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "gallerist",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules.iter().map(rule).collect::<Vec<_>>(),
                }},
                "results": results,
            }],
        })
    }
}

fn results(finding: &Finding) -> Vec<Value> {
    finding.evidence.iter().map(|evidence| result(finding, evidence)).collect()
}

fn result(finding: &Finding, evidence: &Evidence) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": {"text": format!("{} {}. {}", finding.title, evidence.what, finding.remedy)},
        "properties": {"severity": finding.severity, "action": finding.action, "volume": evidence.volume},
    });
    if let Some(path) = &evidence.path {
        let mut place = json!({"artifactLocation": {"uri": uri(path)}});
        if let Some(offset) = evidence.offset {
            place["region"] = json!({"byteOffset": offset, "byteLength": evidence.length_bytes});
        }
        result["locations"] = json!([{"physicalLocation": place}]);
    }
    if let Some(digest) = &evidence.sha256 {
        result["partialFingerprints"] = json!({"sha256/v1": digest});
    }
    if finding.action == Action::Ignore {
        result["suppressions"] = json!([{"kind": "external"}]);
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocker | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A path of the image as a relative reference (RFC 3986, 4.2).
fn uri(path: &str) -> String {
    let mut reference = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~') {
            reference.push(char::from(byte));
        } else {
            reference.push_str(&format!("%{byte:02X}"));
        }
    }
    reference
}
