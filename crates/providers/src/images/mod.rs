//! `Gallerist.Images`: what Azure has no name for.

pub mod contract;
pub mod inspection;
pub mod marketplace;
pub mod upload;

/// Every published api-version of ours, newest first.
const API_VERSIONS: &[&str] = &["2026-11-01"];
