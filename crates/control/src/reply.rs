//! A reply before it becomes HTTP.

use serde_json::Value;

/// Status, the headers that carry meaning, and a JSON body.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: Vec<(&'static str, String)>,
    /// The body, if there is one.
    pub body: Option<Value>,
}

impl Reply {
    /// A reply with a body.
    #[must_use]
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Some(body) }
    }

    /// A reply without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// The same with one header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
