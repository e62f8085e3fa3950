//! For tests only: a clock turned by hand and ids that count instead of rolling dice.
//!
//! Nothing here reads the machine: the same test sees the same times and ids on every run.

mod clock;
mod ids;

pub use clock::FakeClock;
pub use ids::CountedIds;
