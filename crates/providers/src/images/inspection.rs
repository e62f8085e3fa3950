//! Inspection reports: what was found in the bytes of a version. They stand beside its row and are read, never written.

/// The name of the facet that a version's report is kept in.
pub const REPORT: &str = "inspection/report";
