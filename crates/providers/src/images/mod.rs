//! `Gallerist.Images`: what Azure has no name for.

pub mod upload;
