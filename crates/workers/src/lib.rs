//! The steps of each job, and the bytes that come in and go out: the only place where resources meet bytes.
//!
//! A job's state is its row: steps record what they did before the next begins, so a job goes on after `kill -9`
//! wherever it was. A new job is one file and one line in [`jobs`].

mod collect;
mod deployment;
mod downloads;
mod error;
pub mod expire;
mod image;
mod job;
mod publish;
mod regions;
mod replicas;
mod runner;
pub mod source;
mod staging;
#[cfg(test)]
mod tests;
mod uploads;
mod verify;

pub use collect::Collector;
pub use downloads::{Downloads, VersionBytes};
pub use error::Error;
pub use job::{JobKind, Running, Stop};
pub use regions::Regions;
pub use runner::{Settings, Workers};
pub use staging::{PAGE_BYTES, Staged, Staging};
pub use uploads::{CommitReply, Uploads};
pub use verify::{Verification, Violation, verify};

/// Every job there is, by name.
#[must_use]
pub fn jobs() -> Vec<Box<dyn JobKind>> {
    vec![Box::new(deployment::Run), Box::new(deployment::WhatIf), Box::new(publish::Publish)]
}
