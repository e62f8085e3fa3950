//! The documents clients read before and right after signing in.

use http::StatusCode;
use rstest::rstest;
use serde_json::json;

use super::world::{ENDPOINT, World, get, owner_token};
use crate::identity::{Location, Principal, PrincipalKind};

#[tokio::test]
async fn the_cloud_is_described_as_an_object_and_as_a_list() {
    let world = World::new();
    let identity = world.start();
    let object = get(&identity, "/metadata/endpoints?api-version=2022-09-01").await;
    assert_eq!(object.status, StatusCode::OK);
    assert_eq!(object.json()["authentication"]["loginEndpoint"], format!("{ENDPOINT}/adfs"));
    assert_eq!(object.json()["authentication"]["audiences"], json!([format!("{ENDPOINT}/")]));
    assert_eq!(object.json()["resourceManager"], format!("{ENDPOINT}/"));
    assert!(object.json()["suffixes"].is_object());
    let list = get(&identity, "/metadata/list").await;
    assert_eq!(list.json(), json!([object.json()]));
}

#[rstest]
#[case("/adfs", "/.well-known/openid-configuration", "/adfs/oauth2/token", "/adfs/discovery/keys")]
#[case("/ADFS", "/.well-known/openid-configuration", "/adfs/oauth2/token", "/adfs/discovery/keys")]
#[case("/TENANT", "/.well-known/openid-configuration", "/TENANT/oauth2/token", "/TENANT/discovery/keys")]
#[case(
    "/TENANT",
    "/v2.0/.well-known/openid-configuration",
    "/TENANT/oauth2/v2.0/token",
    "/TENANT/discovery/v2.0/keys"
)]
#[case(
    "/gallerist.local",
    "/v2.0/.well-known/openid-configuration",
    "/TENANT/oauth2/v2.0/token",
    "/TENANT/discovery/v2.0/keys"
)]
#[case(
    "/common",
    "/v2.0/.well-known/openid-configuration",
    "/common/oauth2/v2.0/token",
    "/common/discovery/v2.0/keys"
)]
#[case(
    "/adfs",
    "/v2.0/.well-known/openid-configuration",
    "/adfs/oauth2/v2.0/token",
    "/adfs/discovery/v2.0/keys"
)]
#[tokio::test]
async fn discovery_leads_to_tokens_and_keys(
    #[case] authority: &str,
    #[case] document: &str,
    #[case] token: &str,
    #[case] keys: &str,
) {
    let world = World::new();
    let identity = world.start();
    let tenant = world.connection().tenant_id.to_string();
    let place = |path: &str| path.replace("TENANT", &tenant);
    let reply = get(&identity, &place(&format!("{authority}{document}"))).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let body = reply.json();
    assert_eq!(body["token_endpoint"], format!("{ENDPOINT}{}", place(token)));
    assert_eq!(body["jwks_uri"], format!("{ENDPOINT}{}", place(keys)));
    assert_eq!(body["issuer"], format!("{ENDPOINT}/{tenant}/"));
    for needed in ["authorization_endpoint", "device_authorization_endpoint"] {
        assert!(body[needed].as_str().unwrap().starts_with(ENDPOINT), "{needed}");
    }
    let published = get(&identity, &place(keys)).await.json();
    assert_eq!(published["keys"][0]["alg"], "RS256");
    assert_eq!(published["keys"][0]["e"], "AQAB");
    assert!(published["keys"][0].get("d").is_none());
}

#[rstest]
#[case("/11111111-2222-3333-4444-555555555555/v2.0/.well-known/openid-configuration")]
#[case("/example.org/.well-known/openid-configuration")]
#[case("/subscriptions/discovery/keys")]
#[tokio::test]
async fn another_tenant_is_not_here(#[case] path: &str) {
    let world = World::new();
    let reply = get(&world.start(), path).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.json()["error_codes"], json!([90002]));
}

#[tokio::test]
async fn the_published_key_proves_our_tokens_to_others() {
    let world = World::new();
    let identity = world.start();
    let token = owner_token(&world, &identity).await;
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_str(&get(&identity, "/adfs/discovery/keys").await.text).unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    let key = keys.find(&header.kid.unwrap()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.validate_exp = false;
    rules.set_audience(&[format!("{ENDPOINT}/")]);
    rules.set_issuer(&[format!("{ENDPOINT}/{}/", world.connection().tenant_id)]);
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    let read = jsonwebtoken::decode::<serde_json::Value>(&token, &key, &rules).unwrap();
    assert_eq!(read.claims["appid"], world.connection().client_id.to_string());
}

#[tokio::test]
async fn the_browser_is_told_how_to_sign_in_instead() {
    let world = World::new();
    let reply = get(&world.start(), "/adfs/oauth2/authorize?response_type=code").await;
    assert_eq!(reply.status, StatusCode::NOT_IMPLEMENTED);
    assert!(reply.text.contains("gallerist az-login"));
}

fn someone(tenant_id: uuid::Uuid) -> Principal {
    Principal {
        object_id: uuid::Uuid::from_u128(1),
        tenant_id,
        client_id: uuid::Uuid::from_u128(2),
        name: "someone".to_owned(),
        kind: PrincipalKind::ServicePrincipal,
    }
}

#[test]
fn members_see_the_tenant_its_subscription_and_its_locations() {
    let world = World::new();
    let identity = world.start();
    let told = world.connection();
    let member = someone(told.tenant_id);
    let tenants = identity.tenants(&member);
    assert_eq!(tenants["value"][0]["tenantId"], told.tenant_id.to_string());
    let subscriptions = identity.subscriptions(&member);
    assert_eq!(subscriptions["value"][0]["id"], format!("/subscriptions/{}", told.subscription_id));
    assert_eq!(subscriptions["value"][0]["state"], "Enabled");
    assert_eq!(subscriptions["count"], json!({ "type": "Total", "value": 1 }));
    let one = identity.subscription(&member, told.subscription_id).unwrap();
    assert_eq!(one, subscriptions["value"][0]);
    let regions = [Location { name: "westeurope".to_owned(), display_name: "West Europe".to_owned() }];
    let locations = identity.locations(&member, told.subscription_id, &regions).unwrap();
    assert_eq!(locations["value"][0]["name"], "westeurope");
    assert_eq!(locations["value"][0]["displayName"], "West Europe");
    assert_eq!(
        locations["value"][0]["id"],
        format!("/subscriptions/{}/locations/westeurope", told.subscription_id)
    );
}

#[test]
fn strangers_see_nothing() {
    let world = World::new();
    let identity = world.start();
    let told = world.connection();
    let stranger = someone(uuid::Uuid::from_u128(99));
    assert_eq!(identity.tenants(&stranger)["value"], json!([]));
    assert_eq!(identity.subscriptions(&stranger)["value"], json!([]));
    assert!(identity.subscription(&stranger, told.subscription_id).is_none());
    assert!(identity.locations(&stranger, told.subscription_id, &[]).is_none());
    let absent = uuid::Uuid::from_u128(98);
    assert!(identity.subscription(&someone(told.tenant_id), absent).is_none());
    assert!(identity.locations(&someone(told.tenant_id), absent, &[]).is_none());
}
