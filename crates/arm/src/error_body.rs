//! The error body every ARM client prints.

use serde::{Deserialize, Serialize};

/// `{"error": {...}}`, as answered with every 4xx and 5xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error itself.
    pub error: ErrorDetail,
}

/// A code for programs, a message for people, and where it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// A stable word.
    pub code: String,
    /// What was wrong and what to do, in a sentence or two.
    pub message: String,
    /// The path of the offending value, such as `galleryImage.properties.osType`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The parts of a compound error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Self>,
}

impl ErrorDetail {
    /// An error without target and details.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), ..Self::default() }
    }

    /// The same, pointing at `target`.
    #[must_use]
    pub fn at(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// The body on the wire.
    #[must_use]
    pub fn into_body(self) -> ErrorBody {
        ErrorBody { error: self }
    }
}
