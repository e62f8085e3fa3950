//! The engine every request passes: route, api-version, token, authorize, body, lock, precondition, rule, policy,
//! one commit, reply.
//!
//! [`Engine::handle`] is that order, in one function. A resource type adds rules and nothing else; a check added
//! here holds for every type.

mod act;
mod authorize;
mod body;
mod catalogue;
mod clock;
mod decide;
mod engine;
mod error;
mod filter;
mod limits;
mod locks;
mod marketplace;
mod operation;
mod page;
mod policy;
mod precondition;
mod read;
mod refusals;
mod registry;
mod remove;
mod reply;
mod reports;
mod request;
mod route;
mod rows;
mod seal;
mod sent;
mod served;
mod signing;
mod tags;
mod views;
mod write;

pub use authorize::{Authority, Principal};
pub use catalogue::Directory;
pub use clock::{Clock, Ids};
pub use engine::{Engine, Parts};
pub use error::Error;
pub use marketplace::MarketplaceImage;
pub use operation::ended_entry;
pub use registry::Registry;
pub use reply::Reply;
pub use reports::{ReportForm, Reports};
pub use request::{Method, Request};
pub use rows::{row_of, stored_of};
pub use served::served;
