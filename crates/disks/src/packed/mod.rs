//! What containers with compressed units share: inflating, remembering, and working on two threads.

mod batch;
mod inflate;
mod prove;
mod recent;
#[cfg(test)]
mod tests;

pub(crate) use batch::{Pack, pack_units};
pub(crate) use inflate::{Inflater, Wrapping};
pub(crate) use prove::side_by_side;
pub(crate) use recent::{Pool, Recent};
