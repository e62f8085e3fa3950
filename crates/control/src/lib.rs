//! The engine every request passes: route, authorize, lock, policy, rule, one commit, reply.

mod clock;

pub use clock::{Clock, Ids};
