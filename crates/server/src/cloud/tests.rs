//! Base addresses: what is one, and what is not.

use rstest::rstest;

use super::Endpoint;

#[rstest]
#[case("https://127.0.0.1:8443", "https://127.0.0.1:8443")]
#[case("https://127.0.0.1:8443/", "https://127.0.0.1:8443")]
#[case("https://gallery.example.org", "https://gallery.example.org")]
#[case("https://[::1]:8443", "https://[::1]:8443")]
fn a_base_address_keeps_no_slash(#[case] text: &str, #[case] expected: &str) {
    let endpoint: Endpoint = text.parse().unwrap();
    assert_eq!(endpoint.to_string(), expected);
    assert_eq!(endpoint.to_string().parse(), Ok(endpoint.clone()));
    assert_eq!(endpoint.authority(), format!("{expected}/adfs"));
}

#[rstest]
#[case("")]
#[case("127.0.0.1:8443")]
#[case("http://127.0.0.1:8443")]
#[case("https://")]
#[case("https:///path")]
#[case("https://host/path")]
#[case("https://host?query")]
#[case("https://host/#part")]
#[case("https://user@host")]
#[case("https://ho st")]
fn what_is_more_or_less_than_an_address_is_refused(#[case] text: &str) {
    let error = text.parse::<Endpoint>().unwrap_err();
    assert!(error.to_string().contains("https://HOST"), "{error}");
    assert!(serde_json::from_value::<Endpoint>(text.into()).is_err());
}
