//! HTTP edge, token issuer, data plane, configuration and wiring.

pub mod cloud;
pub mod config;
pub mod home;
pub mod identity;
pub mod tls;

mod blob;
mod body;
mod data_plane;
mod edge;
mod serve;
mod system;
mod tenancy;
mod verify;

pub use providers::images::marketplace;
pub use serve::{ServeOptions, serve};
pub use system::{RandomIds, SystemClock, today};
pub use verify::verify_offline;
