//! The cloud's description: the documents from which clients learn every other address.
//!
//! The sign-in address ends in `/adfs`, because clients then take the authority as it is and do not
//! first ask a public service whether it exists.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[cfg(test)]
mod tests;

/// The name under which the cloud introduces itself.
pub const CLOUD_NAME: &str = "Gallerist";

/// The server's base address as clients reach it: `https://host[:port]`, no trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Endpoint(String);

/// Why a text is not a base address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a base address; write https://HOST or https://HOST:PORT, with nothing after it")]
pub struct NotAnEndpoint {
    text: String,
}

impl Endpoint {
    /// The address as text, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The audience of tokens for this server.
    #[must_use]
    pub fn audience(&self) -> String {
        format!("{self}/")
    }

    /// The sign-in authority handed to clients.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{self}/adfs")
    }

    /// The audience of directory (Graph) tokens, which the management plane does not take.
    #[must_use]
    pub fn graph(&self) -> String {
        format!("{self}/msgraph/")
    }
}

impl FromStr for Endpoint {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NotAnEndpoint { text: text.to_owned() };
        let uri: http::Uri = text.parse().map_err(|_why: http::uri::InvalidUri| refused())?;
        let authority = uri.authority().ok_or_else(refused)?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains('#');
        let named = !authority.host().is_empty() && !authority.as_str().contains('@');
        if uri.scheme_str() != Some("https") || !bare || !named {
            return Err(refused());
        }
        Ok(Self(format!("https://{authority}")))
    }
}

impl TryFrom<String> for Endpoint {
    type Error = NotAnEndpoint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The body of `GET /metadata/endpoints`: one cloud, as an object.
#[must_use]
pub fn endpoints(endpoint: &Endpoint) -> Value {
    json!({
        "name": CLOUD_NAME,
        "resourceManager": endpoint.audience(),
        "authentication": {
            "loginEndpoint": endpoint.authority(),
            "audiences": [endpoint.audience()],
            "tenant": "common",
            "identityProvider": "ADFS",
        },
        "microsoftGraphResourceId": endpoint.graph(),
        "vmImageAliasDoc": format!("{endpoint}/aliases.json"),
        // Required by clients, even with nothing in it: no other service hangs on a host name of ours.
        "suffixes": {},
    })
}

/// The body of `GET /metadata/list`: the same cloud, as the list `ARM_CLOUD_METADATA_URL` wants.
#[must_use]
pub fn list(endpoint: &Endpoint) -> Value {
    json!([endpoints(endpoint)])
}
