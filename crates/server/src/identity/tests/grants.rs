//! Each way to ask for a token, granted and refused.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use super::world::{ENDPOINT, Reply, World, form, owner_token, post, post_form};
use crate::identity::throttle::{TRIES, WINDOW_SECONDS};
use crate::identity::{AuthError, Directory, Identity, PrincipalKind};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

pub(super) fn claims(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(middle).unwrap()).unwrap()
}

fn world_with_ada() -> (World, Arc<Identity>) {
    let world = World::new();
    world.start();
    let home = world.home();
    let randomness = world.randomness.as_ref();
    let mut directory = Directory::load(home.folder()).unwrap().unwrap();
    directory
        .add_user("ada@gallerist.local", &"analytical".to_owned().into(), randomness, randomness)
        .unwrap();
    directory.save(home.folder()).unwrap();
    drop(home);
    let identity = world.start();
    (world, identity)
}

async fn sign_in(identity: &Arc<Identity>, client: &str, secret: &str) -> Reply {
    let fields = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
    post_form(identity, "/adfs/oauth2/token", &fields).await
}

async fn password(identity: &Arc<Identity>, name: &str, password: &str) -> Reply {
    let scope = format!("{ENDPOINT}//.default offline_access openid profile");
    let fields = [
        ("grant_type", "password"),
        ("client_id", AZ),
        ("username", name),
        ("password", password),
        ("scope", &scope),
    ];
    post_form(identity, "/adfs/oauth2/token", &fields).await
}

#[tokio::test]
async fn a_program_signs_in_with_its_secret() {
    let world = World::new();
    let identity = world.start();
    let told = world.connection();
    let token = owner_token(&world, &identity).await;
    let owner = identity.directory().owner();
    let expected = json!({
        "aud": format!("{ENDPOINT}/"),
        "iss": format!("{ENDPOINT}/{}/", told.tenant_id),
        "iat": super::world::START,
        "nbf": super::world::START,
        "exp": super::world::START + 3600,
        "appid": told.client_id,
        "idtyp": "app",
        "oid": owner.object_id,
        "sub": owner.object_id,
        "tid": told.tenant_id,
        "ver": "1.0",
    });
    assert_eq!(claims(&token), expected);
    let principal = identity.verify(&format!("Bearer {token}")).unwrap();
    assert_eq!(principal.object_id, owner.object_id);
    assert_eq!(principal.name, "owner");
    assert_eq!(principal.kind, PrincipalKind::ServicePrincipal);
}

#[rstest]
#[case("/adfs/oauth2/token")]
#[case("/TENANT/oauth2/token")]
#[case("/TENANT/oauth2/v2.0/token")]
#[case("/adfs/oauth2/token?client-request-id=403f5d73-f3fc-4660-9748-f53b121ccbef")]
#[tokio::test]
async fn each_token_address_works_with_basic_too(#[case] path: &str) {
    let world = World::new();
    let identity = world.start();
    let told = world.connection();
    let pair = STANDARD.encode(format!("{}:{}", told.client_id, told.client_secret.expose()));
    let basic = format!("Basic {pair}");
    let path = path.replace("TENANT", &told.tenant_id.to_string());
    let body = form(&[("grant_type", "client_credentials")]);
    let reply = post(&identity, &path, &[FORM, ("authorization", &basic)], body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert_eq!(reply.json()["token_type"], "Bearer");
    assert_eq!(reply.json()["expires_in"], 3600);
}

#[rstest]
#[case("scope", "https://127.0.0.1:8443/.default", "https://127.0.0.1:8443/")]
#[case("scope", "https://127.0.0.1:8443//.default openid", "https://127.0.0.1:8443/")]
#[case("scope", "https://management.azure.com/.default", "https://127.0.0.1:8443/")]
#[case("scope", "https://127.0.0.1:8443/msgraph//.default", "https://127.0.0.1:8443/msgraph/")]
#[case("resource", "https://127.0.0.1:8443", "https://127.0.0.1:8443/")]
#[case("resource", "https://management.core.windows.net/", "https://127.0.0.1:8443/")]
#[tokio::test]
async fn the_audience_follows_what_was_asked_for(
    #[case] parameter: &str,
    #[case] asked: &str,
    #[case] audience: &str,
) {
    let world = World::new();
    let identity = world.start();
    let told = world.connection();
    let client = told.client_id.to_string();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &client),
        ("client_secret", told.client_secret.expose()),
        (parameter, asked),
    ];
    let reply = post_form(&identity, "/adfs/oauth2/token", &fields).await;
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["aud"], audience);
    let verdict = identity.verify(&format!("Bearer {token}"));
    assert_eq!(verdict.is_ok(), audience == "https://127.0.0.1:8443/");
}

#[rstest]
#[case::no_grant("", 400, "invalid_request")]
#[case::unknown_grant("grant_type=magic", 400, "unsupported_grant_type")]
#[case::device_code(
    "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=x",
    400,
    "unsupported_grant_type"
)]
#[case::code("grant_type=authorization_code&code=x", 400, "unsupported_grant_type")]
#[case::no_client("grant_type=client_credentials&client_secret=x", 400, "invalid_request")]
#[case::no_secret("grant_type=client_credentials&client_id=CLIENT", 400, "invalid_request")]
#[case::wrong_secret("grant_type=client_credentials&client_id=CLIENT&client_secret=x", 401, "invalid_client")]
#[case::empty_secret("grant_type=client_credentials&client_id=CLIENT&client_secret=", 401, "invalid_client")]
#[case::unknown_client(
    "grant_type=client_credentials&client_id=11111111-2222-3333-4444-555555555555&client_secret=x",
    401,
    "invalid_client"
)]
#[case::not_a_guid("grant_type=client_credentials&client_id=%00&client_secret=x", 401, "invalid_client")]
#[case::certificate(
    "grant_type=client_credentials&client_id=CLIENT&client_assertion=a.b.c",
    400,
    "invalid_client"
)]
#[case::unknown_scope(
    "grant_type=client_credentials&client_id=CLIENT&client_secret=SECRET&scope=https://example.org/.default",
    400,
    "invalid_scope"
)]
#[case::two_scopes(
    "grant_type=client_credentials&client_id=CLIENT&client_secret=SECRET&scope=https://a/.default+https://b/.default",
    400,
    "invalid_scope"
)]
#[case::twice("grant_type=password&grant_type=client_credentials", 422, "invalid_request")]
#[case::unknown_user("grant_type=password&client_id=CLIENT&username=a&password=b", 400, "invalid_grant")]
#[case::no_password("grant_type=password&client_id=CLIENT&username=a", 400, "invalid_request")]
#[case::forged_refresh("grant_type=refresh_token&client_id=CLIENT&refresh_token=a.b.c", 400, "invalid_grant")]
#[tokio::test]
async fn a_bad_token_request_is_refused_in_the_standard_words(
    #[case] body: &str,
    #[case] status: u16,
    #[case] error: &str,
) {
    let world = World::new();
    let identity = world.start();
    let told = world.connection();
    let body =
        body.replace("CLIENT", &told.client_id.to_string()).replace("SECRET", told.client_secret.expose());
    let reply = post(&identity, "/adfs/oauth2/token", &[FORM], body).await;
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
    let answer = reply.json();
    assert_eq!(answer["error"], error);
    let number = answer["error_codes"][0].as_u64().unwrap();
    assert!(answer["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{number}: ")));
    assert!(!reply.text.contains(told.client_secret.expose()));
    assert_eq!(reply.headers.contains_key("www-authenticate"), status == 401);
}

#[rstest]
#[case::json("application/json", "{\"grant_type\":\"client_credentials\"}".to_owned(), 415)]
#[case::too_long("application/x-www-form-urlencoded", format!("grant_type={}", "x".repeat(65 * 1024)), 413)]
#[tokio::test]
async fn a_body_that_is_no_small_form_is_refused(
    #[case] media: &str,
    #[case] body: String,
    #[case] status: u16,
) {
    let world = World::new();
    let reply = post(&world.start(), "/adfs/oauth2/token", &[("content-type", media)], body).await;
    assert_eq!(reply.status.as_u16(), status);
    assert_eq!(reply.json()["error"], "invalid_request");
}

#[rstest]
#[case::not_basic("Bearer abc", "")]
#[case::not_base64("Basic !!!", "")]
#[case::no_colon("Basic YWJj", "")]
#[case::two_secrets("Basic YTpi", "&client_secret=b")]
#[case::two_clients("Basic YTpi", "&client_id=c")]
#[tokio::test]
async fn contradicting_credentials_are_refused(#[case] header: &str, #[case] more: &str) {
    let world = World::new();
    let body = format!("grant_type=client_credentials{more}");
    let headers = [FORM, ("authorization", header)];
    let reply = post(&world.start(), "/adfs/oauth2/token", &headers, body).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text);
    assert_eq!(reply.json()["error"], "invalid_request");
}

#[tokio::test]
async fn the_device_code_way_is_refused_at_its_first_step() {
    let world = World::new();
    let reply = post_form(&world.start(), "/adfs/oauth2/devicecode", &[("client_id", AZ)]).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn guessing_is_slowed_but_does_not_lock_the_owner_out() {
    let world = World::new();
    let identity = world.start();
    let told = world.connection();
    let client = told.client_id.to_string();
    for _ in 0..TRIES {
        assert_eq!(sign_in(&identity, &client, "wrong").await.status, StatusCode::UNAUTHORIZED);
    }
    let paused = sign_in(&identity, &client, "wrong").await;
    assert_eq!(paused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(paused.headers["retry-after"], "60");
    // Others are not affected, and unknown ones share one count.
    let stranger = "11111111-2222-3333-4444-555555555555";
    assert_eq!(sign_in(&identity, stranger, "wrong").await.status, StatusCode::UNAUTHORIZED);
    // The right secret is always taken, and ends the pause.
    assert_eq!(sign_in(&identity, &client, told.client_secret.expose()).await.status, StatusCode::OK);
    assert_eq!(sign_in(&identity, &client, "wrong").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_password_cannot_be_tried_at_all_during_a_pause() {
    let (world, identity) = world_with_ada();
    for _ in 0..TRIES {
        assert_eq!(password(&identity, "ada@gallerist.local", "x").await.status, StatusCode::BAD_REQUEST);
    }
    world.clock.advance(WINDOW_SECONDS - 1);
    let paused = password(&identity, "ada@gallerist.local", "analytical").await;
    assert_eq!(paused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(paused.headers["retry-after"], "1");
    world.clock.advance(1);
    let reply = password(&identity, "ADA@gallerist.local", "analytical").await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_person_signs_in_and_stays_signed_in_for_a_day() {
    let (world, identity) = world_with_ada();
    let reply = password(&identity, "ada@gallerist.local", "analytical").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let first = reply.json();
    let id_token = claims(first["id_token"].as_str().unwrap());
    assert_eq!(id_token["preferred_username"], "ada@gallerist.local");
    assert_eq!(id_token["tid"], world.connection().tenant_id.to_string());
    assert_eq!(id_token["aud"], AZ);
    let info = URL_SAFE_NO_PAD.decode(first["client_info"].as_str().unwrap()).unwrap();
    let info: Value = serde_json::from_slice(&info).unwrap();
    assert_eq!(info["utid"], world.connection().tenant_id.to_string());

    let refresh = first["refresh_token"].as_str().unwrap();
    let fields = |token: &str, client: &str| {
        let fields = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        form(&fields)
    };
    world.clock.advance(2 * 3600);
    let reply = post(&identity, "/adfs/oauth2/token", &[FORM], fields(refresh, AZ)).await;
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    let principal = identity.verify(&format!("Bearer {token}")).unwrap();
    assert_eq!((principal.name.as_str(), principal.kind), ("ada@gallerist.local", PrincipalKind::User));
    assert_eq!(claims(&token)["idtyp"], "user");

    let other_client = "11111111-2222-3333-4444-555555555555";
    let stolen = post(&identity, "/adfs/oauth2/token", &[FORM], fields(refresh, other_client)).await;
    assert_eq!(stolen.json()["error"], "invalid_grant");
    let not_refresh = post(&identity, "/adfs/oauth2/token", &[FORM], fields(&token, AZ)).await;
    assert_eq!(not_refresh.json()["error"], "invalid_grant");
    world.clock.advance(22 * 3600);
    let late = post(&identity, "/adfs/oauth2/token", &[FORM], fields(refresh, AZ)).await;
    assert_eq!(late.json()["error"], "invalid_grant");
}

#[rstest]
#[case("id_token", "InvalidAuthenticationToken")]
#[case("refresh_token", "InvalidAuthenticationToken")]
#[tokio::test]
async fn only_access_tokens_open_the_management_plane(#[case] which: &str, #[case] code: &str) {
    let (_world, identity) = world_with_ada();
    let reply = password(&identity, "ada@gallerist.local", "analytical").await.json();
    let error: AuthError =
        identity.verify(&format!("Bearer {}", reply[which].as_str().unwrap())).unwrap_err();
    assert_eq!(error.code(), code);
}
