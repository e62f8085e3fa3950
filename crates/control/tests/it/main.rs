//! The engine as its callers see it: real resource types, rows in memory, a clock turned by hand.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

mod bodies;
mod claims;
mod graph;
mod lifecycle;
mod limits;
mod lists;
mod marketplace;
mod model;
mod paths;
mod places;
mod preconditions;
mod races;
mod rights;
mod sharing;
mod sizes;
mod soft_delete;
mod versions;
mod world;
