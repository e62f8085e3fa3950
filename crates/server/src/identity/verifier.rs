//! Who is asking: from the `Authorization` header to a principal, or the reason why not.
//!
//! A token is taken when we signed it, for this plane, for this tenant, for now, and when its
//! principal still exists; nothing in it is believed before its signature is checked.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use uuid::Uuid;

use super::Identity;
use super::jwt::{self, Kind, TOKEN_LIMIT_BYTES};
use super::token::{AccessClaims, Audience, SubjectType};

/// How far clocks may be apart, in seconds.
const LEEWAY_SECONDS: i64 = 300;

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What roles are assigned to.
    pub object_id: Uuid,
    /// The tenant it belongs to.
    pub tenant_id: Uuid,
    /// The program that asks: the principal itself, or the client a person uses.
    pub client_id: Uuid,
    /// What people call it; of a person, the name they signed in with.
    pub name: String,
    /// A program or a person.
    pub kind: PrincipalKind,
}

/// What kind of being asks, in the words of role assignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A program.
    ServicePrincipal,
    /// A person.
    User,
}

/// Why a request is not known to come from anyone. Always answered with 401.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There is no bearer token to look at.
    #[error("Authentication failed: {0}.")]
    NoToken(&'static str),
    /// It is not a token of ours.
    #[error("The access token is not valid: it {0}. Sign in again.")]
    Invalid(&'static str),
    /// It is too old, or not valid yet.
    #[error("The access token {0}. Sign in again, and check the clocks if that does not help.")]
    Expired(&'static str),
    /// It opens something else.
    #[error("The access token is for another audience. Ask for a token for {expected}.")]
    Audience {
        /// The audience of this server.
        expected: String,
    },
    /// Another tenant issued it.
    #[error("The access token comes from another issuer or tenant. Sign in to the tenant {expected}.")]
    Tenant {
        /// The tenant of this server.
        expected: Uuid,
    },
}

impl AuthError {
    /// The error code of the answer's body.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoToken(_) => "AuthenticationFailed",
            Self::Invalid(_) => "InvalidAuthenticationToken",
            Self::Expired(_) => "ExpiredAuthenticationToken",
            Self::Audience { .. } => "InvalidAuthenticationTokenAudience",
            Self::Tenant { .. } => "InvalidAuthenticationTokenTenant",
        }
    }
}

impl Identity {
    /// Finds out who sends a request, from all of its headers.
    ///
    /// # Errors
    /// As [`Self::verify`]; also when there is no `Authorization` header, or more than one.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, AuthError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return Err(AuthError::NoToken("the 'Authorization' header is missing"));
        };
        if values.next().is_some() {
            return Err(AuthError::NoToken("there is more than one 'Authorization' header"));
        }
        let value = value
            .to_str()
            .map_err(|_not_ascii| AuthError::NoToken("the 'Authorization' header is not plain text"))?;
        self.verify(value)
    }

    /// Finds out who sends a request, from the value of its `Authorization` header.
    ///
    /// # Errors
    /// An [`AuthError`] that says what the client should do; to be answered with 401 and
    /// [`Self::challenge`].
    pub fn verify(&self, header: &str) -> Result<Principal, AuthError> {
        let token = bearer(header)?;
        let claims: AccessClaims = jwt::decode(&self.key, Kind::Plain, token).map_err(AuthError::Invalid)?;
        self.check(&claims)?;
        self.principal(&claims)
    }

    /// The `WWW-Authenticate` value that goes with a refusal (RFC 6750).
    #[must_use]
    pub fn challenge(&self, error: &AuthError) -> String {
        let authority = format!("{}/{}", self.endpoint, self.directory.tenant().id);
        match error {
            // A request without a token is told where to get one, and no more.
            AuthError::NoToken(_) => format!("Bearer authorization_uri=\"{authority}\""),
            error => format!(
                "Bearer authorization_uri=\"{authority}\", error=\"invalid_token\", error_description=\"{error}\""
            ),
        }
    }

    fn check(&self, claims: &AccessClaims) -> Result<(), AuthError> {
        let expected = Audience::Management.claim(&self.endpoint);
        if claims.aud.trim_end_matches('/') != expected.trim_end_matches('/') {
            return Err(AuthError::Audience { expected });
        }
        let tenant = self.directory.tenant().id;
        if claims.tid != tenant || claims.iss != self.issuer() {
            return Err(AuthError::Tenant { expected: tenant });
        }
        if claims.iat <= 0 || claims.nbf <= 0 || claims.exp <= claims.nbf {
            return Err(AuthError::Invalid("has times that make no sense"));
        }
        let now = self.clock.now().as_second();
        if now > claims.exp.saturating_add(LEEWAY_SECONDS) {
            return Err(AuthError::Expired("has expired"));
        }
        if claims.nbf.max(claims.iat) > now.saturating_add(LEEWAY_SECONDS) {
            return Err(AuthError::Expired("is not valid yet"));
        }
        Ok(())
    }

    /// The directory has the last word: what was removed from it is nobody.
    fn principal(&self, claims: &AccessClaims) -> Result<Principal, AuthError> {
        let gone = AuthError::Invalid("belongs to a principal that no longer exists");
        let (name, kind) = match claims.idtyp {
            SubjectType::App => {
                let principal = self.directory.service_principal(claims.appid).ok_or_else(|| gone.clone())?;
                if principal.object_id != claims.oid {
                    return Err(gone);
                }
                (principal.display_name.clone(), PrincipalKind::ServicePrincipal)
            }
            SubjectType::User => {
                let user = self.directory.user_by_id(claims.oid).ok_or(gone)?;
                (user.principal_name.clone(), PrincipalKind::User)
            }
        };
        let &AccessClaims { oid: object_id, tid: tenant_id, appid: client_id, .. } = claims;
        Ok(Principal { object_id, tenant_id, client_id, name, kind })
    }
}

fn bearer(header: &str) -> Result<&str, AuthError> {
    // Sizes come first: nothing is parsed, decoded or hashed of what is too long.
    if header.len() > TOKEN_LIMIT_BYTES {
        return Err(AuthError::NoToken("the 'Authorization' header is longer than 16 KiB"));
    }
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(AuthError::NoToken("the 'Authorization' header must read: Bearer, a space, a token"));
    }
    Ok(token)
}
