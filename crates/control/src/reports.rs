//! What the engine cannot make of an inspection report by itself: forms for other programs, and differences.

use serde_json::Value;

/// A form of a report for other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportForm {
    /// The software bill of materials in CycloneDX 1.6.
    CycloneDx,
    /// The software bill of materials in SPDX 2.3.
    Spdx,
    /// The findings in SARIF 2.1.0.
    Sarif,
}

/// Makes other documents of reports as they are kept; `None` for a report of a form that is no longer known.
pub trait Reports: Send + Sync {
    /// `report` in another form.
    fn told(&self, report: &Value, form: ReportForm) -> Option<Value>;
    /// What changed from `old` to `new`.
    fn difference(&self, old: &Value, new: &Value) -> Option<Value>;
}
