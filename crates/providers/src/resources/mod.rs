//! `Microsoft.Resources`: the groups that everything lives in, and the deployments that make what is in them.

pub mod deployment;
pub mod resource_group;
