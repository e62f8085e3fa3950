//! The token endpoint: which grants are offered, and what each must prove (RFC 6749).
//!
//! An account that does not exist costs as much time as a wrong secret, and reads the same.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Identity;
use super::directory::{ServicePrincipal, User};
use super::refusal::Refusal;
use super::secret::{HashedSecret, Origin, Secret};
use super::throttle::Account;
use super::token::{ACCESS_SECONDS, Audience};
use crate::home::Error;

/// What clients send; what is not named here is ignored, as the standard asks.
#[derive(Default, Deserialize)]
pub(super) struct TokenForm {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    client_assertion: Option<Secret>,
    scope: Option<String>,
    resource: Option<String>,
    username: Option<String>,
    password: Option<Secret>,
    refresh_token: Option<Secret>,
}

impl Identity {
    /// Answers a token request that came to an existing tenant.
    pub(super) async fn grant(
        self: &Arc<Self>,
        form: TokenForm,
        headers: &HeaderMap,
    ) -> Result<Value, Refusal> {
        let scope = form.scope.as_deref().or(form.resource.as_deref()).unwrap_or_default();
        let audience = |identity: &Self| {
            Audience::asked_for(&identity.endpoint, scope).map_err(|detail| Refusal::Scope { detail })
        };
        match form.grant_type.as_deref() {
            Some("client_credentials") => {
                if form.client_assertion.is_some() {
                    return Err(Refusal::Assertion);
                }
                let (client, secret) = client_credentials(&form, headers)?;
                let principal = self.program(&client, secret).await?;
                let token =
                    self.token_for_program(principal, audience(self)?).map_err(|error| internal(&error))?;
                Ok(json!({
                    "token_type": "Bearer",
                    "expires_in": ACCESS_SECONDS,
                    "ext_expires_in": ACCESS_SECONDS,
                    "access_token": token,
                }))
            }
            Some("password") => {
                let client = public_client(&form)?;
                let name = required(form.username.as_ref(), "username")?;
                let password = required(form.password.as_ref(), "password")?;
                let user = self.person(name, password.clone()).await?;
                self.answer_user(user, client, audience(self)?, scope)
            }
            Some("refresh_token") => {
                let client = public_client(&form)?;
                let token = required(form.refresh_token.as_ref(), "refresh_token")?;
                let (user, issued_to) = self.refreshed(token.expose()).ok_or(Refusal::Refresh)?;
                if issued_to != client {
                    return Err(Refusal::Refresh);
                }
                self.answer_user(user, client, audience(self)?, scope)
            }
            Some(_) => Err(Refusal::Grant),
            None => Err(missing("grant_type")),
        }
    }

    fn answer_user(
        &self,
        user: &User,
        client: Uuid,
        audience: Audience,
        scope: &str,
    ) -> Result<Value, Refusal> {
        let tokens = self.tokens_for_user(user, client, audience).map_err(|error| internal(&error))?;
        let client_info = json!({ "uid": user.object_id, "utid": self.directory.tenant().id });
        Ok(json!({
            "token_type": "Bearer",
            "expires_in": ACCESS_SECONDS,
            "ext_expires_in": ACCESS_SECONDS,
            "scope": scope,
            "access_token": tokens.access,
            "id_token": tokens.id,
            "refresh_token": tokens.refresh,
            "client_info": URL_SAFE_NO_PAD.encode(client_info.to_string()),
        }))
    }

    async fn program(self: &Arc<Self>, client: &str, offered: Secret) -> Result<&ServicePrincipal, Refusal> {
        let principal = client.parse().ok().and_then(|id: Uuid| self.directory.service_principal(id));
        let account = principal.map_or(Account::Unknown, |found| Account::Known(found.object_id));
        let hash = principal.map(ServicePrincipal::secret_hash).cloned();
        let pause = self.throttle.begin(account, self.clock.now().as_second());
        // A made secret cannot be guessed, so the right one is taken even during a pause: a flood of
        // wrong ones must not lock the owner out.
        let hash = hash.unwrap_or_else(|| HashedSecret::of_nothing(Origin::Made));
        let right = self.compare(hash, offered).await?;
        match (principal, right, pause) {
            (Some(found), true, _) => {
                self.throttle.succeeded(account);
                Ok(found)
            }
            (_, _, Err(retry_after_seconds)) => Err(Refusal::TooManyTries { retry_after_seconds }),
            _ => Err(Refusal::Client),
        }
    }

    async fn person(self: &Arc<Self>, name: &str, offered: Secret) -> Result<&User, Refusal> {
        let user = self.directory.user(name);
        let account = user.map_or(Account::Unknown, |found| Account::Known(found.object_id));
        // What people choose can be guessed: during a pause nothing is compared at all.
        self.throttle
            .begin(account, self.clock.now().as_second())
            .map_err(|retry_after_seconds| Refusal::TooManyTries { retry_after_seconds })?;
        let hash = user.map(User::password_hash).cloned();
        let hash = hash.unwrap_or_else(|| HashedSecret::of_nothing(Origin::Chosen));
        let right = self.compare(hash, offered).await?;
        let found = user.filter(|_| right).ok_or(Refusal::Password)?;
        self.throttle.succeeded(account);
        Ok(found)
    }

    async fn compare(&self, hash: HashedSecret, offered: Secret) -> Result<bool, Refusal> {
        let _turn = self.comparisons.acquire().await.map_err(|_closed| Refusal::Internal)?;
        tokio::task::spawn_blocking(move || hash.is(&offered)).await.map_err(|_panicked| Refusal::Internal)
    }
}

/// The client's id and secret, from the form or from HTTP Basic, but not from both.
fn client_credentials(form: &TokenForm, headers: &HeaderMap) -> Result<(String, Secret), Refusal> {
    let Some(basic) = headers.get(AUTHORIZATION) else {
        let client = required(form.client_id.as_ref(), "client_id")?;
        let secret = required(form.client_secret.as_ref(), "client_secret")?;
        return Ok((client.clone(), secret.clone()));
    };
    if form.client_secret.is_some() {
        return Err(bad("the client secret is given twice, in the form and in the 'Authorization' header"));
    }
    let (client, secret) = basic
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, credentials)| STANDARD.decode(credentials.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| pair.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned())))
        .ok_or_else(|| bad("the 'Authorization' header is not HTTP Basic with a client id and a secret"))?;
    if form.client_id.as_ref().is_some_and(|named| *named != client) {
        return Err(bad("the form and the 'Authorization' header name different clients"));
    }
    Ok((client, secret.into()))
}

/// The program a person uses; it has no secret, so its id is only recorded.
fn public_client(form: &TokenForm) -> Result<Uuid, Refusal> {
    required(form.client_id.as_ref(), "client_id")?
        .parse()
        .map_err(|_not_an_id| bad("client_id is not a GUID"))
}

fn required<'a, T>(value: Option<&'a T>, name: &str) -> Result<&'a T, Refusal> {
    value.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refusal {
    bad(&format!("the parameter '{name}' is missing"))
}

fn bad(detail: &str) -> Refusal {
    Refusal::Request { status: StatusCode::BAD_REQUEST, detail: detail.to_owned() }
}

fn internal(error: &Error) -> Refusal {
    tracing::error!(error = error as &dyn std::error::Error, "no token could be issued");
    Refusal::Internal
}
