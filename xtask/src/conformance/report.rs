//! What the examples came to, for people and for an exit code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one example came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered with this status, and all of it fits.
    Passed(u16),
    /// Refused in ARM's shape as not built: by which code or words.
    Refused(String),
    /// Not replayed, for this reason.
    OutOfScope(String),
    /// What does not fit.
    Failed(Vec<String>),
}

/// What all examples came to.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) strangers: BTreeSet<String>,
    pub(crate) slips: BTreeSet<String>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) document: String,
    pub(crate) operation: String,
    pub(crate) example: String,
    pub(crate) outcome: Outcome,
}

impl Report {
    /// Whether nothing failed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// How many examples passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.outcome, Outcome::Passed(_))).count()
    }

    /// What the example in this file came to, first of all operations that have it.
    #[must_use]
    pub fn outcome(&self, example: &str) -> Option<&Outcome> {
        self.rows.iter().find(|row| row.example == example).map(|row| &row.outcome)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
        for Row { document, operation, example, outcome } in &self.rows {
            let (at, word, remark) = match outcome {
                Outcome::Passed(status) => (0, "pass", status.to_string()),
                Outcome::Refused(words) => (1, "refused", words.clone()),
                Outcome::OutOfScope(reason) => (2, "out", reason.clone()),
                Outcome::Failed(wrong) => (3, "FAIL", wrong.join("\n             ")),
            };
            counts.entry(document).or_default()[at] += 1;
            writeln!(f, "{word:<8} {operation} {example}: {remark}")?;
        }
        writeln!(f, "\n{:<28} {:>6} {:>8} {:>6} {:>6}", "document", "pass", "refused", "out", "FAIL")?;
        for (document, [passed, refused, out, failed]) in &counts {
            writeln!(f, "{document:<28} {passed:>6} {refused:>8} {out:>6} {failed:>6}")?;
        }
        let asides = [
            ("answered beyond what the documents list", &self.strangers),
            ("examples that break their own documents", &self.slips),
        ];
        for (title, lines) in asides.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            writeln!(f, "\n{title}:")?;
            lines.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        Ok(())
    }
}
