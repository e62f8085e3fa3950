//! What anyone may ask without a token: where things are, which keys sign, and for a token.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::Identity;
use super::oauth::TokenForm;
use super::refusal::{Answer, Refusal, UNSUPPORTED_SIGN_IN};
use crate::cloud;

/// The most that a token request may hold; real ones stay under 4 KiB.
const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// The generation of Entra's protocol whose addresses a client uses.
#[derive(Clone, Copy)]
enum Shape {
    /// `/{tenant}/oauth2/token`; also AD FS, where the tenant is the word `adfs`.
    First,
    /// `/{tenant}/oauth2/v2.0/token`.
    Second,
}

/// The routes that need no token: cloud description, discovery, keys, tokens.
///
/// Paths are matched as written; whoever nests this folds doubled slashes first.
pub fn router(identity: Arc<Identity>) -> Router {
    Router::new()
        .route("/metadata/endpoints", get(async |State(id): Known| Json(cloud::endpoints(id.endpoint()))))
        .route("/metadata/list", get(async |State(id): Known| Json(cloud::list(id.endpoint()))))
        .route("/{tenant}/.well-known/openid-configuration", get(discovery_first))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery_second))
        .route("/{tenant}/discovery/keys", get(keys))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/oauth2/token", post(token))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
        .route("/{tenant}/oauth2/devicecode", post(no_device_codes))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(no_device_codes))
        .route("/{tenant}/oauth2/authorize", get(no_browser))
        .route("/{tenant}/oauth2/v2.0/authorize", get(no_browser))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .with_state(identity)
}

type Known = State<Arc<Identity>>;

async fn discovery_first(State(identity): Known, Path(tenant): Path<String>) -> Result<Json<Value>, Answer> {
    identity.discovery(&tenant, Shape::First)
}

async fn discovery_second(State(identity): Known, Path(tenant): Path<String>) -> Result<Json<Value>, Answer> {
    identity.discovery(&tenant, Shape::Second)
}

async fn keys(State(identity): Known, Path(tenant): Path<String>) -> Result<Json<Value>, Answer> {
    identity.segment(&tenant)?;
    Ok(Json(identity.key.jwks()))
}

async fn token(
    State(identity): Known,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, Answer> {
    identity.segment(&tenant)?;
    let Form(form) = form.map_err(|rejection| {
        // The rejection's own words could repeat what was sent, and that may be a secret.
        let detail = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "it is longer than 64 KiB",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "it must be application/x-www-form-urlencoded",
            _ => "it is not a form in which each parameter stands once",
        };
        identity.refuse(Refusal::Request { status: rejection.status(), detail: detail.to_owned() })
    })?;
    let granted = identity.grant(form, &headers).await.map_err(|refusal| identity.refuse(refusal))?;
    Ok(([(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(granted)).into_response())
}

async fn no_device_codes(State(identity): Known) -> Answer {
    identity.refuse(Refusal::Grant)
}

async fn no_browser() -> (StatusCode, Html<String>) {
    let page = format!(
        "<!doctype html><html lang=\"en\"><title>Gallerist: sign in</title>\
         <h1>No sign-in in the browser</h1><p>{UNSUPPORTED_SIGN_IN}</p>\
         <p>To sign the Azure CLI in, run <code>gallerist az-login --data FOLDER</code>.</p></html>"
    );
    (StatusCode::NOT_IMPLEMENTED, Html(page))
}

impl Identity {
    fn refuse(&self, refusal: Refusal) -> Answer {
        Answer { refusal, timestamp: self.clock.now(), trace: self.ids.uuid() }
    }

    /// How documents spell the tenant that a path names.
    fn segment(&self, named: &str) -> Result<String, Answer> {
        let tenant = self.directory.tenant();
        let any =
            ["adfs", "common", "organizations"].into_iter().find(|word| named.eq_ignore_ascii_case(word));
        if let Some(word) = any {
            Ok(word.to_owned())
        } else if named.parse() == Ok(tenant.id) || named.eq_ignore_ascii_case(&tenant.domain) {
            Ok(tenant.id.to_string())
        } else {
            Err(self.refuse(Refusal::NoSuchTenant))
        }
    }

    /// The OpenID Connect discovery document of a tenant, in the addresses of one generation.
    fn discovery(&self, tenant: &str, shape: Shape) -> Result<Json<Value>, Answer> {
        let base = format!("{}/{}", self.endpoint, self.segment(tenant)?);
        let (version, keys) = match shape {
            Shape::First => ("", "discovery/keys"),
            Shape::Second => ("v2.0/", "discovery/v2.0/keys"),
        };
        Ok(Json(json!({
            "issuer": self.issuer(),
            "authorization_endpoint": format!("{base}/oauth2/{version}authorize"),
            "token_endpoint": format!("{base}/oauth2/{version}token"),
            "device_authorization_endpoint": format!("{base}/oauth2/{version}devicecode"),
            "jwks_uri": format!("{base}/{keys}"),
            "response_types_supported": ["code", "id_token"],
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": ["client_credentials", "password", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "offline_access"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        })))
    }
}
