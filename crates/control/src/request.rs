//! A request as the edge hands it over.

use bytes::Bytes;
use providers::Rejection;

use crate::Principal;

/// The methods ARM knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Exists?
    Head,
    /// Create or replace.
    Put,
    /// Merge.
    Patch,
    /// Remove.
    Delete,
    /// An action.
    Post,
}

/// One request, before anything is decided.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path as sent, percent-encoded.
    pub path: String,
    /// The query as sent, without `?`.
    pub query: String,
    /// The whole body; the edge bounds it to [`crate::Engine::BODY_BYTES`].
    pub body: Bytes,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `If-Match`, every value.
    pub if_match: Vec<String>,
    /// `If-None-Match`, every value.
    pub if_none_match: Vec<String>,
    /// Who calls, or why that is not known.
    pub caller: Result<Principal, Rejection>,
    /// The correlation id of everything this request leads to.
    pub correlation_id: String,
    /// `https://host:port` as the client reaches us; begins every absolute link.
    pub base: String,
}
