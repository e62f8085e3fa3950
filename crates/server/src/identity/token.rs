//! What our tokens say, in the words of Entra's version 1.0 tokens.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Identity;
use super::directory::{ServicePrincipal, User};
use super::jwt::{self, Kind};
use crate::cloud::Endpoint;
use crate::home::Error;

/// How long an access token opens doors, in seconds.
pub(crate) const ACCESS_SECONDS: i64 = 3600;
/// How long a person may stay away before signing in again, in seconds.
const REFRESH_SECONDS: i64 = 24 * 3600;

/// Audiences under which public-cloud clients know the management plane when nobody told them ours.
const PUBLIC_MANAGEMENT: [&str; 2] = ["https://management.azure.com", "https://management.core.windows.net"];
/// What clients ask for beside a resource.
const RESOURCELESS_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Which service a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The management plane.
    Management,
    /// The directory.
    Graph,
}

impl Audience {
    /// The audience that a `scope` (OAuth 2.0) or `resource` (Entra 1.0) parameter asks for.
    ///
    /// Clients disagree about slashes: `https://host//.default` is common.
    pub(super) fn asked_for(endpoint: &Endpoint, scope: &str) -> Result<Self, String> {
        let mut asked = scope.split_ascii_whitespace().filter(|part| !RESOURCELESS_SCOPES.contains(part));
        let Some(resource) = asked.next() else {
            return Ok(Self::Management);
        };
        if asked.next().is_some() {
            return Err("one resource at a time".to_owned());
        }
        let resource = resource
            .strip_suffix("/.default")
            .or_else(|| resource.strip_suffix("/user_impersonation"))
            .unwrap_or(resource)
            .trim_end_matches('/');
        if resource.eq_ignore_ascii_case(endpoint.as_str()) || PUBLIC_MANAGEMENT.contains(&resource) {
            Ok(Self::Management)
        } else if resource.eq_ignore_ascii_case(endpoint.graph().trim_end_matches('/')) {
            Ok(Self::Graph)
        } else {
            Err(format!("there is no resource of that name here; ask for {endpoint}/.default"))
        }
    }

    pub(super) fn claim(self, endpoint: &Endpoint) -> String {
        match self {
            Self::Management => endpoint.audience(),
            Self::Graph => endpoint.graph(),
        }
    }
}

/// Whether a token speaks for a program or a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SubjectType {
    App,
    User,
}

/// The claims of an access token. Numbers are seconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessClaims {
    pub(crate) aud: String,
    pub(crate) iss: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) appid: Uuid,
    pub(crate) idtyp: SubjectType,
    pub(crate) oid: Uuid,
    pub(crate) sub: Uuid,
    pub(crate) tid: Uuid,
    pub(crate) ver: String,
    /// Of people only: the name they signed in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upn: Option<String>,
}

/// The claims of a refresh token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RefreshClaims {
    pub(crate) iss: String,
    pub(crate) exp: i64,
    pub(crate) appid: Uuid,
    pub(crate) oid: Uuid,
}

/// The claims of an id token, which tells a client who signed in and opens nothing.
#[derive(Serialize)]
struct IdClaims<'a> {
    aud: Uuid,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    oid: Uuid,
    sub: Uuid,
    tid: Uuid,
    name: &'a str,
    preferred_username: &'a str,
    upn: &'a str,
    ver: &'static str,
}

/// What a person gets for a password.
pub(super) struct UserTokens {
    pub(super) access: String,
    pub(super) id: String,
    pub(super) refresh: String,
}

impl Identity {
    /// Who our tokens say they come from; as in Entra, it is the tenant.
    pub(super) fn issuer(&self) -> String {
        format!("{}/{}/", self.endpoint, self.directory.tenant().id)
    }

    pub(super) fn token_for_program(
        &self,
        principal: &ServicePrincipal,
        audience: Audience,
    ) -> Result<String, Error> {
        let claims = self.access(principal.client_id, principal.object_id, SubjectType::App, audience);
        jwt::encode(&self.key, Kind::Plain, &claims)
    }

    pub(super) fn tokens_for_user(
        &self,
        user: &User,
        client: Uuid,
        audience: Audience,
    ) -> Result<UserTokens, Error> {
        let mut access = self.access(client, user.object_id, SubjectType::User, audience);
        access.upn = Some(user.principal_name.clone());
        let refresh = RefreshClaims {
            iss: access.iss.clone(),
            exp: access.iat.saturating_add(REFRESH_SECONDS),
            appid: client,
            oid: user.object_id,
        };
        let id = IdClaims {
            aud: client,
            iss: access.iss.clone(),
            iat: access.iat,
            nbf: access.nbf,
            exp: access.exp,
            oid: user.object_id,
            sub: user.object_id,
            tid: access.tid,
            name: &user.display_name,
            preferred_username: &user.principal_name,
            upn: &user.principal_name,
            ver: "2.0",
        };
        Ok(UserTokens {
            access: jwt::encode(&self.key, Kind::Plain, &access)?,
            id: jwt::encode(&self.key, Kind::Plain, &id)?,
            refresh: jwt::encode(&self.key, Kind::Refresh, &refresh)?,
        })
    }

    /// The person and the client of a refresh token that is still good.
    pub(super) fn refreshed(&self, token: &str) -> Option<(&User, Uuid)> {
        let claims: RefreshClaims = jwt::decode(&self.key, Kind::Refresh, token).ok()?;
        if claims.iss != self.issuer() || claims.exp <= self.clock.now().as_second() {
            return None;
        }
        Some((self.directory.user_by_id(claims.oid)?, claims.appid))
    }

    fn access(&self, client: Uuid, object: Uuid, idtyp: SubjectType, audience: Audience) -> AccessClaims {
        let now = self.clock.now().as_second();
        AccessClaims {
            aud: audience.claim(&self.endpoint),
            iss: self.issuer(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(ACCESS_SECONDS),
            appid: client,
            idtyp,
            oid: object,
            sub: object,
            tid: self.directory.tenant().id,
            ver: "1.0".to_owned(),
            upn: None,
        }
    }
}
