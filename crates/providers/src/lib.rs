//! The resource types and their rules: a folder per provider, a folder per type.
