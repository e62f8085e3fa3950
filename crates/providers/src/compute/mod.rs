//! `Microsoft.Compute`: galleries, the image definitions in them, and the versions of those; disks and snapshots.

pub mod disk;
pub mod gallery;
pub mod image;
pub mod image_definition;
pub mod image_version;
pub mod snapshot;

mod end_of_life;
pub(crate) mod name;
pub(crate) mod source;

/// Every published api-version of the gallery provider, newest first (azure-api 1.9).
const API_VERSIONS: &[&str] = &[
    "2026-03-03",
    "2025-12-03",
    "2025-03-03",
    "2024-03-03",
    "2023-07-03",
    "2022-08-03",
    "2022-03-03",
    "2022-01-03",
    "2021-10-01",
    "2021-07-01",
    "2021-03-01",
    "2020-09-30",
    "2019-12-01",
    "2019-07-01",
    "2019-03-01",
    "2018-06-01",
];
