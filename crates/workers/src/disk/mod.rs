//! Managed disks and snapshots: their bytes brought, handed out for a time, and taken in.

mod create;
mod grant;
mod settle;

pub(crate) use create::{Create, staged};
pub(crate) use grant::{Grant, PURPOSE, address_parts};
pub(crate) use settle::Settle;
