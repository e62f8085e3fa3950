//! Resource type names such as `Microsoft.Compute/galleries/images`.

use std::fmt;

/// A provider namespace and the chain of types below it; compared without case.
#[derive(Clone, Debug)]
pub struct TypeName(String);

impl TypeName {
    /// Joins a namespace and its type segments.
    #[must_use]
    pub fn new(namespace: &str, types: &[&str]) -> Self {
        Self(std::iter::once(namespace).chain(types.iter().copied()).collect::<Vec<_>>().join("/"))
    }

    /// The spelling it was made with.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `Microsoft.Compute` of `Microsoft.Compute/galleries`.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// `galleries/images` of `Microsoft.Compute/galleries/images`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, path)| path)
    }

    /// The form for maps and rows.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whether `other` names the same type.
    #[must_use]
    pub fn is(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl From<&str> for TypeName {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl PartialEq for TypeName {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for TypeName {}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
