//! The `gallerist` program.
fn main() {}
