//! Our automation: `cargo xtask tidy`.
fn main() {}
