//! How a rule says no.

use arm::ErrorDetail;

/// A refusal: the HTTP status and the error as the client reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", detail.code, detail.message)]
pub struct Rejection {
    /// 400, 403, 404, 409, 412…
    pub status: u16,
    /// Code, message and target.
    pub detail: ErrorDetail,
}

impl Rejection {
    /// Any refusal.
    #[must_use]
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, detail: ErrorDetail::new(code, message) }
    }

    /// 400 `InvalidParameter` at `target`.
    #[must_use]
    pub fn invalid(target: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, detail: ErrorDetail::new("InvalidParameter", message).at(target) }
    }

    /// 400 `BadRequest`: well-formed, but it contradicts something else.
    #[must_use]
    pub fn contradiction(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 400 `PropertyChangeNotAllowed` for what is fixed at creation.
    #[must_use]
    pub fn change(target: impl Into<String>) -> Self {
        let target = target.into();
        let detail = ErrorDetail::new(
            "PropertyChangeNotAllowed",
            format!("Changing property '{target}' is not allowed."),
        );
        Self { status: 400, detail: detail.at(target) }
    }

    /// 409 `Conflict`-class refusals.
    #[must_use]
    pub fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::new(409, code, message)
    }

    /// 501 `NotImplemented`: Azure has it, this release has not.
    #[must_use]
    pub fn not_implemented(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("{what} is not implemented in this release of Gallerist."))
    }

    /// The same, pointing at `target`.
    #[must_use]
    pub fn at(mut self, target: impl Into<String>) -> Self {
        self.detail.target = Some(target.into());
        self
    }
}
