//! Time and randomness as arguments, so that a test turns them by hand.

use jiff::Timestamp;
use uuid::Uuid;

/// Where time comes from. Only the server's wiring reads the machine's clock.
pub trait Clock: Send + Sync {
    /// The present moment, UTC.
    fn now(&self) -> Timestamp;
}

/// Where unguessable ids come from.
pub trait Ids: Send + Sync {
    /// A fresh 128-bit random id.
    fn uuid(&self) -> Uuid;
}
