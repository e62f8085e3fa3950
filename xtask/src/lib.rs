//! Our automation: the rules of the source tree, and our wire against Azure's own description of it.

pub mod conformance;
mod spec;
pub mod tidy;
pub mod wire_coverage;
