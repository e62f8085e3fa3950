//! Why no token is given, in the standard words (RFC 6749, section 5.2) and Entra's numbers.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

/// Why no token is given.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The request is not one that a token endpoint takes.
    Request { status: StatusCode, detail: String },
    /// The path names a tenant that is not here.
    NoSuchTenant,
    /// The scope or resource is not here.
    Scope { detail: String },
    /// No such program, or the wrong secret; which of them is not told.
    Client,
    /// The client wants to prove itself in a way that is not offered.
    Assertion,
    /// No such person, or the wrong password; which of them is not told.
    Password,
    /// The refresh token is not, or no longer, good.
    Refresh,
    /// A way to sign in that is not offered.
    Grant,
    /// Too many wrong secrets.
    TooManyTries { retry_after_seconds: i64 },
    /// A fault of ours.
    Internal,
}

/// A refusal with what an answer needs beside it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) refusal: Refusal,
    /// When it happened, for the operator.
    pub(super) timestamp: jiff::Timestamp,
    /// An id to quote.
    pub(super) trace: uuid::Uuid,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Request { status, .. } => *status,
            Self::NoSuchTenant
            | Self::Scope { .. }
            | Self::Assertion
            | Self::Password
            | Self::Refresh
            | Self::Grant => StatusCode::BAD_REQUEST,
            Self::Client => StatusCode::UNAUTHORIZED,
            Self::TooManyTries { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The standard's word, and Entra's number.
    fn code(&self) -> (&'static str, u32) {
        match self {
            Self::Request { .. } => ("invalid_request", 900_144),
            Self::NoSuchTenant => ("invalid_request", 90_002),
            Self::Scope { .. } => ("invalid_scope", 70_011),
            Self::Client => ("invalid_client", 7_000_215),
            Self::Assertion => ("invalid_client", 700_027),
            Self::Password => ("invalid_grant", 50_126),
            Self::Refresh => ("invalid_grant", 70_008),
            Self::Grant => ("unsupported_grant_type", 70_003),
            Self::TooManyTries { .. } => ("temporarily_unavailable", 50_053),
            Self::Internal => ("server_error", 90_033),
        }
    }

    fn description(&self) -> String {
        match self {
            Self::Request { detail, .. } => format!("The request cannot be understood: {detail}."),
            Self::NoSuchTenant => "There is no such tenant here. Use tenantId of connection.json.".to_owned(),
            Self::Scope { detail } => format!("The scope cannot be granted: {detail}."),
            Self::Client => "The client id or the client secret is wrong. \
                             Use clientId and clientSecret of connection.json in the data folder."
                .to_owned(),
            Self::Assertion => {
                "Signing in with a certificate is not offered. Use a client secret.".to_owned()
            }
            Self::Password => "The user name or the password is wrong.".to_owned(),
            Self::Refresh => "The refresh token is not good any more. Sign in again.".to_owned(),
            Self::Grant => format!("{UNSUPPORTED_SIGN_IN} Run: gallerist az-login --data FOLDER"),
            Self::TooManyTries { retry_after_seconds } => {
                format!("Too many wrong secrets. Try again in {retry_after_seconds} seconds.")
            }
            Self::Internal => "The server could not issue a token; its log says why.".to_owned(),
        }
    }
}

/// What is said to those who try a browser or a device code.
pub(super) const UNSUPPORTED_SIGN_IN: &str =
    "This way to sign in is not offered. Programs sign in with a client secret, people with a password.";

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let (error, number) = self.refusal.code();
        let body = json!({
            "error": error,
            "error_description": format!("AADSTS{number}: {}", self.refusal.description()),
            "error_codes": [number],
            "timestamp": self.timestamp.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            "trace_id": self.trace,
            "correlation_id": self.trace,
        });
        let mut response = (self.refusal.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        match self.refusal {
            Refusal::Client => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"gallerist\""));
            }
            Refusal::TooManyTries { retry_after_seconds } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
            }
            _ => {}
        }
        response
    }
}
