//! Forms of inspection reports that are made when they are asked for, from the report that was kept.

use control::ReportForm;
use inspect::report::{Difference, Report};
use serde_json::Value;

/// The forms of `inspect`.
#[derive(Clone, Copy, Debug)]
pub struct Reports;

impl control::Reports for Reports {
    fn told(&self, report: &Value, form: ReportForm) -> Option<Value> {
        let report: Report = serde_json::from_value(report.clone()).ok()?;
        Some(match form {
            ReportForm::CycloneDx => report.cyclonedx(),
            ReportForm::Spdx => report.spdx(),
            ReportForm::Sarif => report.sarif(),
        })
    }

    fn difference(&self, old: &Value, new: &Value) -> Option<Value> {
        let (old, new) =
            (serde_json::from_value(old.clone()).ok()?, serde_json::from_value(new.clone()).ok()?);
        serde_json::to_value(Difference::between(&old, &new)).ok()
    }
}
