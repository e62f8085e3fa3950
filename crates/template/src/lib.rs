//! The template language of deployments: read leniently, evaluated within limits, planned in order.
//!
//! Pure and sync: what only a running deployment knows (`reference`, `list…`) is asked of a [`Runtime`]; an answer that
//! is not there yet ends an evaluation with [`Error::Needs`]. Every input ends within the limits of [`Limits`].

mod context;
mod dependencies;
mod error;
mod evaluate;
mod expression;
mod functions;
mod hash;
mod parameters;
mod plan;
mod program;
mod read;
#[cfg(test)]
mod tests;

pub use context::{Call, Context, Group, Limits, Nothing, ProviderType, Runtime, Subscription};
pub use error::Error;
pub use expression::Expression;
pub use hash::template_hash;
pub use parameters::Kind;
pub use plan::{Plan, Resource};
pub use program::Program;
pub use read::read;
