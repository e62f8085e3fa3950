//! Time that stands still until a test turns it.

use std::sync::atomic::{AtomicI64, Ordering};

use control::Clock;
use jiff::Timestamp;

/// 2026-11-21T00:00:00Z, in seconds.
const START_SECONDS: i64 = 1_795_219_200;

/// A clock turned by hand; it begins at 2026-11-21T00:00:00Z.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl Default for FakeClock {
    fn default() -> Self {
        Self(AtomicI64::new(START_SECONDS))
    }
}

impl FakeClock {
    /// Turns the clock forward, or back when `seconds` is negative.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).expect("tests stay within the calendar")
    }
}
