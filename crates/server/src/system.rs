//! The machine's clock and randomness: read here and nowhere else.

use control::{Clock, Ids};
use jiff::Timestamp;
use uuid::Uuid;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The day it is, `YYYY-MM-DD` in UTC.
#[must_use]
pub fn today() -> String {
    SystemClock.now().to_string().chars().take(10).collect()
}

/// Random ids from the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes random ids")]
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}
