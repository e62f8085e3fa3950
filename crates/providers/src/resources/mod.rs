//! `Microsoft.Resources`: the groups that everything lives in.

pub mod resource_group;
