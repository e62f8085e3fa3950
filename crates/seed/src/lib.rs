//! What a new guest is to become, as a small disk that its first start reads.
//!
//! [`Provisioning::disk`] answers the bytes of a FAT disk: the same input gives the same bytes. Values travel as JSON strings,
//! as escaped XML or as base64, so no value can become a second one. A specialized image gets no seed at all.

mod fat;
mod ovf;
mod password;
mod provisioning;
mod words;

#[cfg(test)]
mod tests;

pub use fat::BYTES;
pub use password::{Salt, hashed};
pub use provisioning::{Error, Kind, Provisioning};
