//! The ways in and out, end to end within one process.

mod copying;
mod ways;
