//! Our automation: the rules of the source tree, and our wire against Azure's own description of it,
//! our readers against a corpus of hostile images.

pub mod conformance;
pub mod hostile;
mod spec;
pub mod tidy;
pub mod wire_coverage;
