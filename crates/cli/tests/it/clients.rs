//! Clients that Azure users have: their tools and libraries against our port, and `qemu-img` as the judge of disks.
//!
//! None of them is changed or told more than it would be told about Azure: where the server is, whom to trust, who
//! signs in.

mod az;
mod blob;
mod disk;
mod formats;
mod sdk;
mod storage;

use std::path::PathBuf;

/// A program or folder that `./x test` fetches and names in the environment.
fn prepared(variable: &str) -> PathBuf {
    let Some(path) = std::env::var_os(variable) else {
        panic!("{variable} is not set: run this through `./x test`, which fetches the Azure clients");
    };
    path.into()
}
