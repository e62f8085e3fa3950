//! Why a template cannot be read, planned or evaluated, in Azure's codes.

use crate::Call;

/// A refusal of a template, or a question to the running deployment.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The template or its parameters are wrong.
    #[error("{message}")]
    Invalid {
        /// `InvalidTemplate`, `InvalidRequestContent`…
        code: &'static str,
        /// What was wrong and where.
        message: String,
    },
    /// The value of a call that is not known yet.
    #[error("the value of '{0}' is known only while the deployment runs")]
    Needs(Box<Call>),
}

impl Error {
    /// The code of everything that is wrong with the template itself.
    pub const INVALID_TEMPLATE: &'static str = "InvalidTemplate";

    /// An `InvalidTemplate` in Azure's words around `message`.
    pub(crate) fn template(message: impl AsRef<str>) -> Self {
        let message = format!("Deployment template validation failed: '{}'.", message.as_ref());
        Self::Invalid { code: Self::INVALID_TEMPLATE, message }
    }

    /// The same, saying which part of the template was read.
    #[must_use]
    pub(crate) fn within(self, part: &str) -> Self {
        match self {
            Self::Invalid { code, message } if !message.contains(" (in ") => {
                let message = message.strip_suffix('.').unwrap_or(&message);
                Self::Invalid { code, message: format!("{message} (in {part}).") }
            }
            error => error,
        }
    }
}
