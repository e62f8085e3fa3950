//! The steps of each job, and the bytes that come in and go out: the only place where resources meet bytes.
//!
//! A job's state is its row: steps record what they did before the next begins, so a job goes on after `kill -9`
//! wherever it was. A new job is one file and one line in [`jobs`].

pub mod blobs;
mod capture;
mod collect;
mod content;
mod deployment;
mod disk;
mod downloads;
mod error;
mod expire;
mod grants;
mod image;
mod job;
mod origin;
mod publish;
mod regions;
mod replicas;
mod reports;
mod runner;
pub mod source;
mod staging;
#[cfg(test)]
mod tests;
mod uploads;
mod verify;

pub use collect::Collector;
pub use content::{Content, OpenContent, Settled, settle};
pub use downloads::{Downloads, VersionBytes};
pub use error::Error;
pub use expire::Sweeper;
pub use grants::{Granted, Grants};
pub use image::Image;
pub use job::{JobKind, Running, Stop};
pub use regions::Regions;
pub use reports::Reports;
pub use runner::{Contracts, Settings, Workers};
pub use staging::{PAGE_BYTES, Staged, Staging, Unnamed};
pub use uploads::{CommitReply, Uploads};
pub use verify::{Verification, Violation, verify};

/// Every job there is, by name.
#[must_use]
pub fn jobs() -> Vec<Box<dyn JobKind>> {
    vec![
        Box::new(capture::Capture),
        Box::new(deployment::Run),
        Box::new(deployment::WhatIf),
        Box::new(disk::Create),
        Box::new(disk::Grant),
        Box::new(disk::Settle),
        Box::new(publish::Publish),
        Box::new(publish::PublishArtifact),
    ]
}
