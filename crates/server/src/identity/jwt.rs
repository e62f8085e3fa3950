//! Signed tokens (RFC 7519) in the one form that we write: compact, RS256, our own key.
//!
//! What a token says about itself decides nothing: the algorithm is fixed, the key id only looks the
//! key up, and a header with anything more than we write is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::SigningKey;
use crate::home::Error;

/// No token of ours comes near this; longer ones are refused before any work is done on them.
pub(crate) const TOKEN_LIMIT_BYTES: usize = 16 * 1024;

const ALGORITHM: &str = "RS256";

/// What a token is for; one kind is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Opens the management plane, or tells a client who signed in.
    Plain,
    /// Opens nothing but the token endpoint.
    Refresh,
}

impl Kind {
    fn media_type(self) -> &'static str {
        match self {
            Self::Plain => "JWT",
            Self::Refresh => "rt+jwt",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

/// Signs `claims`.
pub(crate) fn encode(key: &SigningKey, kind: Kind, claims: &impl Serialize) -> Result<String, Error> {
    let refused = |_: serde_json::Error| Error::Crypto { action: "write a token" };
    let header =
        Header { typ: kind.media_type().to_owned(), alg: ALGORITHM.to_owned(), kid: key.id().to_owned() };
    let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).map_err(refused)?);
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).map_err(refused)?);
    let message = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes())?);
    Ok(format!("{message}.{signature}"))
}

/// Reads a token of ours. Times, audience and issuer are left to the caller.
///
/// # Errors
/// What is wrong with it, as the end of the sentence "the token…".
pub(crate) fn decode<T: DeserializeOwned>(
    key: &SigningKey,
    kind: Kind,
    token: &str,
) -> Result<T, &'static str> {
    if token.len() > TOKEN_LIMIT_BYTES {
        return Err("is longer than 16 KiB");
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("does not have three parts");
    };
    let header: Header = part(header).ok_or("has a header that is not understood here")?;
    if header.alg != ALGORITHM {
        return Err("is not signed with RS256");
    }
    if header.typ != kind.media_type() {
        return Err("is of another kind");
    }
    if header.kid != key.id() {
        return Err("is signed with a key that is not known here");
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_not_base64| "has a damaged signature")?;
    let message_end = token.rfind('.').unwrap_or_default();
    let message = token.as_bytes().get(..message_end).unwrap_or_default();
    if !key.signed(message, &signature) {
        return Err("has a signature that does not match");
    }
    part(claims).ok_or("has claims that are missing or of the wrong type")
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
