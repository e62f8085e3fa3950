//! `Gallerist.Images`: what Azure has no name for.

pub mod marketplace;
pub mod upload;
