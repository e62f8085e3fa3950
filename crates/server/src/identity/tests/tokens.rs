//! Every way in which a token can be wrong, by one fault at a time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{ENDPOINT, START, World};
use crate::identity::Identity;

const FAILED: &str = "AuthenticationFailed";
const INVALID: &str = "InvalidAuthenticationToken";
const EXPIRED: &str = "ExpiredAuthenticationToken";
const AUDIENCE: &str = "InvalidAuthenticationTokenAudience";
const TENANT: &str = "InvalidAuthenticationTokenTenant";

fn encode(value: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(value)
}

fn good_header(identity: &Identity) -> Value {
    json!({ "typ": "JWT", "alg": "RS256", "kid": identity.key.id() })
}

fn good_claims(identity: &Identity) -> Value {
    let directory = identity.directory();
    json!({
        "aud": format!("{ENDPOINT}/"),
        "iss": format!("{ENDPOINT}/{}/", directory.tenant().id),
        "iat": START,
        "nbf": START,
        "exp": START + 3600,
        "appid": directory.owner().client_id,
        "idtyp": "app",
        "oid": directory.owner().object_id,
        "sub": directory.owner().object_id,
        "tid": directory.tenant().id,
        "ver": "1.0",
    })
}

/// Signed with the server's own key, so that nothing but the stated fault can be the reason.
fn signed(identity: &Identity, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let signature = identity.key.sign(message.as_bytes()).unwrap();
    format!("{message}.{}", encode(&signature))
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    let fields = object.as_object_mut().unwrap();
    if value == json!("(absent)") {
        fields.remove(name).unwrap();
    } else {
        fields.insert(name.to_owned(), value);
    }
    object
}

fn code(identity: &Identity, header: &str) -> &'static str {
    identity.verify(header).map_or_else(|error| error.code(), |_principal| "accepted")
}

#[rstest]
#[case::as_issued("exp", json!(START + 3600), "accepted")]
#[case::claims_of_no_interest("xms_cc", json!(["CP1"]), "accepted")]
#[case::aud_without_slash("aud", json!(ENDPOINT), "accepted")]
#[case::aud_with_two_slashes("aud", json!(format!("{ENDPOINT}//")), "accepted")]
#[case::expired_within_leeway("exp", json!(START + 1), "accepted")]
#[case::exp_absent("exp", json!("(absent)"), INVALID)]
#[case::exp_text("exp", json!((START + 3600).to_string()), INVALID)]
#[case::exp_fraction("exp", json!(1_795_222_800.5), INVALID)]
#[case::exp_whole_fraction("exp", json!(1_795_222_800.0), INVALID)]
#[case::exp_negative("exp", json!(-1), INVALID)]
#[case::exp_huge("exp", json!(1e308), INVALID)]
#[case::exp_beyond_i64("exp", json!(u64::MAX), INVALID)]
#[case::exp_null("exp", json!(null), INVALID)]
#[case::exp_list("exp", json!([START]), INVALID)]
#[case::exp_before_nbf("exp", json!(START - 1), INVALID)]
#[case::nbf_absent("nbf", json!("(absent)"), INVALID)]
#[case::nbf_text("nbf", json!("0"), INVALID)]
#[case::nbf_true("nbf", json!(true), INVALID)]
#[case::nbf_zero("nbf", json!(0), INVALID)]
#[case::nbf_301_ahead("nbf", json!(START + 301), EXPIRED)]
#[case::nbf_300_ahead("nbf", json!(START + 300), "accepted")]
#[case::iat_absent("iat", json!("(absent)"), INVALID)]
#[case::iat_text("iat", json!("yesterday"), INVALID)]
#[case::iat_negative("iat", json!(-5), INVALID)]
#[case::iat_301_ahead("iat", json!(START + 301), EXPIRED)]
#[case::aud_absent("aud", json!("(absent)"), INVALID)]
#[case::aud_list("aud", json!([ENDPOINT]), INVALID)]
#[case::aud_other("aud", json!("https://management.azure.com/"), AUDIENCE)]
#[case::aud_other_port("aud", json!("https://127.0.0.1:8444/"), AUDIENCE)]
#[case::aud_suffix("aud", json!(format!("{ENDPOINT}.example.org/")), AUDIENCE)]
#[case::aud_prefix("aud", json!("https://127.0.0.1:844"), AUDIENCE)]
#[case::aud_graph("aud", json!(format!("{ENDPOINT}/msgraph/")), AUDIENCE)]
#[case::aud_empty("aud", json!(""), AUDIENCE)]
#[case::iss_absent("iss", json!("(absent)"), INVALID)]
#[case::iss_number("iss", json!(7), INVALID)]
#[case::iss_other("iss", json!("https://sts.windows.net/common/"), TENANT)]
#[case::iss_empty("iss", json!(""), TENANT)]
#[case::tid_absent("tid", json!("(absent)"), INVALID)]
#[case::tid_not_a_guid("tid", json!("contoso"), INVALID)]
#[case::tid_other("tid", json!(Uuid::from_u128(5)), TENANT)]
#[case::oid_absent("oid", json!("(absent)"), INVALID)]
#[case::oid_text("oid", json!("' OR 1=1 --"), INVALID)]
#[case::oid_of_nobody("oid", json!(Uuid::from_u128(6)), INVALID)]
#[case::sub_absent("sub", json!("(absent)"), INVALID)]
#[case::appid_absent("appid", json!("(absent)"), INVALID)]
#[case::appid_of_nobody("appid", json!(Uuid::from_u128(7)), INVALID)]
#[case::idtyp_absent("idtyp", json!("(absent)"), INVALID)]
#[case::idtyp_unknown("idtyp", json!("device"), INVALID)]
#[case::a_program_posing_as_a_person("idtyp", json!("user"), INVALID)]
fn a_claim_decides(#[case] name: &str, #[case] value: Value, #[case] expected: &str) {
    let world = World::new();
    let identity = world.start();
    let claims = with(good_claims(&identity), name, value);
    let token = signed(&identity, &good_header(&identity).to_string(), &claims.to_string());
    assert_eq!(code(&identity, &format!("Bearer {token}")), expected);
}

#[rstest]
#[case::slash("/")]
#[case::suffix("x")]
#[case::path("v2.0")]
fn an_issuer_with_more_behind_it_is_another(#[case] suffix: &str) {
    let world = World::new();
    let identity = world.start();
    let good = good_claims(&identity);
    let issuer = format!("{}{suffix}", good["iss"].as_str().unwrap());
    let claims = with(good, "iss", json!(issuer));
    let token = signed(&identity, &good_header(&identity).to_string(), &claims.to_string());
    assert_eq!(code(&identity, &format!("Bearer {token}")), TENANT);
}

#[rstest]
#[case::as_issued("typ", json!("JWT"), "accepted")]
#[case::alg_none("alg", json!("none"), INVALID)]
#[case::alg_none_in_capitals("alg", json!("NONE"), INVALID)]
#[case::alg_none_mixed("alg", json!("nOnE"), INVALID)]
#[case::alg_hs256("alg", json!("HS256"), INVALID)]
#[case::alg_rs512("alg", json!("RS512"), INVALID)]
#[case::alg_ps256("alg", json!("PS256"), INVALID)]
#[case::alg_es256("alg", json!("ES256"), INVALID)]
#[case::alg_lower_case("alg", json!("rs256"), INVALID)]
#[case::alg_absent("alg", json!("(absent)"), INVALID)]
#[case::alg_null("alg", json!(null), INVALID)]
#[case::alg_list("alg", json!(["RS256"]), INVALID)]
#[case::kid_absent("kid", json!("(absent)"), INVALID)]
#[case::kid_path("kid", json!("../../dev/null"), INVALID)]
#[case::kid_sql("kid", json!("x' UNION SELECT 'key"), INVALID)]
#[case::kid_number("kid", json!(0), INVALID)]
#[case::kid_long("kid", json!("k".repeat(8000)), INVALID)]
#[case::jku("jku", json!("https://example.org/keys"), INVALID)]
#[case::x5u("x5u", json!("https://example.org/chain"), INVALID)]
#[case::jwk("jwk", json!({ "kty": "oct", "k": "AAAA" }), INVALID)]
#[case::x5c("x5c", json!(["AAAA"]), INVALID)]
#[case::crit("crit", json!(["exp"]), INVALID)]
#[case::b64("b64", json!(false), INVALID)]
#[case::zip("zip", json!("DEF"), INVALID)]
#[case::nested("cty", json!("JWT"), INVALID)]
#[case::encrypted("enc", json!("A256GCM"), INVALID)]
#[case::of_a_refresh_token("typ", json!("rt+jwt"), INVALID)]
#[case::typ_absent("typ", json!("(absent)"), INVALID)]
fn a_header_decides_nothing_but_whether_we_wrote_it(
    #[case] name: &str,
    #[case] value: Value,
    #[case] expected: &str,
) {
    let world = World::new();
    let identity = world.start();
    let header = with(good_header(&identity), name, value);
    let token = signed(&identity, &header.to_string(), &good_claims(&identity).to_string());
    assert_eq!(code(&identity, &format!("Bearer {token}")), expected);
}

#[rstest]
#[case::twice_a_claim("\"exp\":", "\"exp\":99999999999,\"exp\":")]
#[case::not_an_object("{", "[{")]
#[case::cut_off("}", "")]
#[case::more_behind_it("}", "}{}")]
fn claims_that_are_no_plain_object_are_refused(#[case] from: &str, #[case] to: &str) {
    let world = World::new();
    let identity = world.start();
    let claims = good_claims(&identity).to_string();
    assert!(claims.contains(from));
    let token = signed(&identity, &good_header(&identity).to_string(), &claims.replacen(from, to, 1));
    assert_eq!(code(&identity, &format!("Bearer {token}")), INVALID);
}

#[rstest]
#[case::unchanged("<h>.<c>.<s>", "accepted")]
#[case::no_signature("<h>.<c>.", INVALID)]
#[case::two_parts("<h>.<c>", INVALID)]
#[case::one_part("<h>", INVALID)]
#[case::four_parts("<h>.<c>.<s>.", INVALID)]
#[case::five_parts_as_encrypted("<h>.<c>.<s>.<s>.<s>", INVALID)]
#[case::only_dots("..", INVALID)]
#[case::empty_header(".<c>.<s>", INVALID)]
#[case::empty_claims("<h>..<s>", INVALID)]
#[case::swapped("<c>.<h>.<s>", INVALID)]
#[case::padded("<h>.<c>.<s>=", INVALID)]
#[case::signature_of_zeros("<h>.<c>.<zeros>", INVALID)]
#[case::signature_longer("<h>.<c>.<s>AAAA", INVALID)]
#[case::signature_of_other_claims("<h>.<other>.<s>", INVALID)]
#[case::standard_alphabet("<h>.<c>.++//", INVALID)]
#[case::whitespace_inside("<h>. <c>.<s>", INVALID)]
#[case::not_base64("a.b.c", INVALID)]
fn a_changed_token_is_refused(#[case] pattern: &str, #[case] expected: &str) {
    let world = World::new();
    let identity = world.start();
    let (header, claims) = (good_header(&identity), good_claims(&identity));
    let token = signed(&identity, &header.to_string(), &claims.to_string());
    let parts: Vec<_> = token.split('.').collect();
    let other = with(claims, "exp", json!(START + 3601)).to_string();
    let token = pattern
        .replace("<h>", parts[0])
        .replace("<c>", parts[1])
        .replace("<s>", parts[2])
        .replace("<other>", &encode(other.as_bytes()))
        .replace("<zeros>", &encode(&[0; 256]));
    assert_eq!(code(&identity, &format!("Bearer {token}")), expected);
}

#[rstest]
#[case::within_the_limit(16 * 1024 - 7, INVALID)]
#[case::one_over(16 * 1024 - 6, FAILED)]
#[case::far_over(64 * 1024, FAILED)]
fn a_long_header_is_refused_before_it_is_read(#[case] token_bytes: usize, #[case] expected: &str) {
    let world = World::new();
    let identity = world.start();
    assert_eq!(code(&identity, &format!("Bearer {}", "a".repeat(token_bytes))), expected);
}

#[test]
fn the_public_key_is_no_shared_secret() {
    let world = World::new();
    let identity = world.start();
    let header = with(good_header(&identity), "alg", json!("HS256"));
    let message = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(good_claims(&identity).to_string().as_bytes())
    );
    let jwks = identity.key.jwks();
    let modulus = URL_SAFE_NO_PAD.decode(jwks["keys"][0]["n"].as_str().unwrap()).unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &modulus);
    let token = format!("{message}.{}", encode(aws_lc_rs::hmac::sign(&key, message.as_bytes()).as_ref()));
    assert_eq!(code(&identity, &format!("Bearer {token}")), INVALID);
}

#[test]
fn another_server_signs_nothing_for_us() {
    let (ours, theirs) = (World::new(), World::without_key());
    let (ours, theirs) = (ours.start(), theirs.start());
    assert_ne!(ours.key.id(), theirs.key.id());
    let (header, claims) = (good_header(&ours).to_string(), good_claims(&ours).to_string());
    let token = signed(&theirs, &header, &claims);
    assert_eq!(code(&ours, &format!("Bearer {token}")), INVALID);
}

#[rstest]
#[case("", FAILED)]
#[case("Bearer", FAILED)]
#[case("Bearer ", FAILED)]
#[case("Basic YTpi", FAILED)]
#[case("SharedKey account:signature", FAILED)]
#[case("TOKEN", FAILED)]
#[case("BearerTOKEN", FAILED)]
#[case("Bearer\tTOKEN", FAILED)]
#[case("Bearer TOKEN, Bearer TOKEN", INVALID)]
#[case("Bearer TOKEN", "accepted")]
#[case("bearer TOKEN", "accepted")]
#[case("Bearer  TOKEN ", "accepted")]
fn the_header_must_be_bearer(#[case] header: &str, #[case] expected: &str) {
    let world = World::new();
    let identity = world.start();
    let token = signed(&identity, &good_header(&identity).to_string(), &good_claims(&identity).to_string());
    assert_eq!(code(&identity, &header.replace("TOKEN", &token)), expected);
}

#[test]
fn exactly_one_header_is_looked_at() {
    let world = World::new();
    let identity = world.start();
    let token = signed(&identity, &good_header(&identity).to_string(), &good_claims(&identity).to_string());
    let value: HeaderValue = format!("Bearer {token}").parse().unwrap();
    let mut headers = HeaderMap::new();
    assert_eq!(identity.authenticate(&headers).unwrap_err().code(), FAILED);
    headers.append(AUTHORIZATION, value.clone());
    assert_eq!(identity.authenticate(&headers).unwrap().name, "owner");
    headers.append(AUTHORIZATION, value);
    assert_eq!(identity.authenticate(&headers).unwrap_err().code(), FAILED);
    headers.insert(AUTHORIZATION, HeaderValue::from_bytes(b"Bearer \xff").unwrap());
    assert_eq!(identity.authenticate(&headers).unwrap_err().code(), FAILED);
}

#[rstest]
#[case(3600, "accepted")]
#[case(3900, "accepted")]
#[case(3901, EXPIRED)]
#[case(i64::from(u32::MAX), EXPIRED)]
#[case(-300, "accepted")]
#[case(-301, EXPIRED)]
fn time_passes(#[case] seconds: i64, #[case] expected: &str) {
    let world = World::new();
    let identity = world.start();
    let token = signed(&identity, &good_header(&identity).to_string(), &good_claims(&identity).to_string());
    world.clock.advance(seconds);
    assert_eq!(code(&identity, &format!("Bearer {token}")), expected);
}

#[test]
fn a_refusal_says_where_to_get_a_token() {
    let world = World::new();
    let identity = world.start();
    let authority = format!("authorization_uri=\"{ENDPOINT}/{}\"", identity.directory().tenant().id);
    let missing = identity.authenticate(&HeaderMap::new()).unwrap_err();
    assert_eq!(identity.challenge(&missing), format!("Bearer {authority}"));
    let forged = identity.verify("Bearer a.b.c").unwrap_err();
    let challenge = identity.challenge(&forged);
    assert!(challenge.starts_with(&format!("Bearer {authority}, error=\"invalid_token\"")), "{challenge}");
    assert!(HeaderValue::from_str(&challenge).is_ok());
    assert_eq!(challenge.matches('"').count(), 6, "{challenge}");
}
