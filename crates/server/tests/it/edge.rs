//! The edge itself: headers of every answer, slashes, limits, and what a client cannot forge.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{Answer, TestServer, answer, located};

#[tokio::test]
async fn every_answer_carries_the_headers_of_azure_resource_manager() {
    let server = TestServer::start().await;
    server.furnish().await;
    let nobody = |path: &str| answer(server.request(Method::GET, path));
    let answers = [
        server.get(&server.compute("galleries/g")).await,
        server.get(&server.compute("galleries/none")).await,
        server.put(&server.compute("galleries/g"), &json!([])).await,
        server.ask(Method::DELETE, &server.compute("galleries/g/images/d"), &Value::Null).await,
        server.ask(Method::OPTIONS, &server.compute("galleries/g"), &Value::Null).await,
        nobody(&server.compute("galleries/g")).await,
        nobody("/nowhere").await,
        nobody("/gallerist/verify").await,
    ];
    for answer in answers {
        for (name, value) in [
            ("cache-control", "no-cache"),
            ("pragma", "no-cache"),
            ("expires", "-1"),
            ("x-content-type-options", "nosniff"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ] {
            assert_eq!(answer.header(name), value, "{}", answer.status);
        }
        for name in ["x-ms-request-id", "x-ms-correlation-request-id"] {
            assert!(answer.header(name).parse::<uuid::Uuid>().is_ok(), "{name} of {}", answer.status);
        }
        let media = if answer.text.is_empty() { "" } else { "application/json; charset=utf-8" };
        assert_eq!(answer.header("content-type"), media);
    }
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_told_where_to() {
    let server = TestServer::start().await;
    let authority =
        format!("authorization_uri=\"{}/{}\"", server.connection.arm_endpoint, server.connection.tenant_id);
    let path = server.compute("galleries/g");
    for (header, refusal) in [
        (None, "AuthenticationFailed"),
        (Some("Basic eDp5"), "AuthenticationFailed"),
        (Some("Bearer"), "AuthenticationFailed"),
        (Some("Bearer x.y.z"), "InvalidAuthenticationToken"),
    ] {
        let mut request = server.request(Method::GET, &path);
        if let Some(value) = header {
            request = request.header("authorization", value);
        }
        let reply = answer(request).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (401, refusal), "{header:?}");
        assert!(reply.header("www-authenticate").starts_with(&format!("Bearer {authority}")), "{header:?}");
    }
}

#[tokio::test]
async fn doubled_slashes_are_folded_everywhere() {
    let server = TestServer::start().await;
    server.furnish().await;
    let token = server.owner();
    for (path, status) in [
        ("//metadata/endpoints?api-version=2022-09-01".to_owned(), 200),
        ("/metadata//endpoints?api-version=2022-09-01".to_owned(), 200),
        (format!("//{}//v2.0/.well-known/openid-configuration?x=y", server.connection.tenant_id), 200),
        (format!("/{}", server.compute("/galleries//g?api-version=2024-03-03")), 200),
        ("//gallerist//verify".to_owned(), 200),
        ("///".to_owned(), 404),
    ] {
        let reply = answer(server.request(Method::GET, &path).bearer_auth(token)).await;
        assert_eq!(reply.status.as_u16(), status, "{path}: {}", reply.text);
    }
}

#[rstest]
#[case::guid(&["3d1f2a77-5b0e-4c58-9c53-0d2a3e3c4b5a"], true)]
#[case::shouted(&["3D1F2A77-5B0E-4C58-9C53-0D2A3E3C4B5A"], true)]
#[case::none(&[], false)]
#[case::word(&["mine"], false)]
#[case::cut(&["3d1f2a77-5b0e-4c58-9c53-0d2a3e3c4b5"], false)]
#[case::injected(&["3d1f2a77-5b0e-4c58-9c53-0d2a3e3c4b5a, x"], false)]
#[case::twice(&["3d1f2a77-5b0e-4c58-9c53-0d2a3e3c4b5a", "3d1f2a77-5b0e-4c58-9c53-0d2a3e3c4b5a"], false)]
#[tokio::test]
async fn a_correlation_id_is_kept_when_it_is_one(#[case] sent: &[&str], #[case] kept: bool) {
    let server = TestServer::start().await;
    let mut request = server.request(Method::GET, "/tenants").bearer_auth(server.owner());
    for value in sent {
        request = request.header("x-ms-correlation-request-id", *value);
    }
    let reply = answer(request).await;
    let back = reply.header("x-ms-correlation-request-id");
    assert!(back.parse::<uuid::Uuid>().is_ok(), "{back}");
    assert_eq!(sent.first().is_some_and(|sent| sent.eq_ignore_ascii_case(back)), kept);
}

#[rstest]
#[case::asked(Some("true"), "my-id", "my-id")]
#[case::asked_loudly(Some("True"), "my-id", "my-id")]
#[case::not_asked(None, "my-id", "")]
#[case::declined(Some("false"), "my-id", "")]
#[tokio::test]
async fn a_clients_own_id_comes_back_when_it_asks_for_it(
    #[case] asks: Option<&str>,
    #[case] id: &str,
    #[case] back: &str,
) {
    let server = TestServer::start().await;
    let mut request = server
        .request(Method::GET, "/tenants")
        .bearer_auth(server.owner())
        .header("x-ms-client-request-id", id);
    if let Some(asks) = asks {
        request = request.header("x-ms-return-client-request-id", asks);
    }
    assert_eq!(answer(request).await.header("x-ms-client-request-id"), back);
}

#[tokio::test]
async fn a_body_past_four_mebibytes_is_too_large() {
    let server = TestServer::start().await;
    server.furnish().await;
    let send = |bytes: usize| {
        let mut body = located().to_string().into_bytes();
        body.resize(bytes, b' ');
        let path = server.compute("galleries/g");
        answer(
            server
                .request(Method::PUT, &path)
                .bearer_auth(server.owner())
                .header("content-type", "application/json")
                .body(body),
        )
    };
    assert_eq!(send(4 << 20).await.status, 200);
    let refused = send((4 << 20) + 1).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (413, "RequestContentTooLarge"));
}

#[tokio::test]
async fn forged_headers_of_a_front_door_have_no_effect() {
    let server = TestServer::start().await;
    server.furnish().await;
    let owner = "x-ms-client-principal-id";
    let forge = |request: reqwest::RequestBuilder| {
        request
            .header(owner, "00000000-0000-0000-0000-000000000001")
            .header("x-ms-client-principal-name", "owner")
            .header("x-ms-client-tenant-id", server.connection.tenant_id.to_string())
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "http")
            .header("x-forwarded-for", "127.0.0.1")
            .header("forwarded", "host=evil.example;proto=http")
            .header("x-original-url", "/metadata/endpoints")
            .header("x-http-method-override", "DELETE")
    };
    let path = server.compute("galleries/g/images/d");
    let nobody: Answer = answer(forge(server.request(Method::GET, &path))).await;
    assert_eq!(nobody.status, 401);
    let stranger = server.stranger().await;
    assert_eq!(answer(forge(server.request(Method::GET, &path)).bearer_auth(stranger)).await.status, 403);
    let shown = answer(forge(server.request(Method::GET, &path)).bearer_auth(server.owner())).await;
    assert_eq!((shown.status.as_u16(), shown.json()["name"].as_str()), (200, Some("d")));
    let deleted = answer(forge(server.request(Method::DELETE, &path)).bearer_auth(server.owner())).await;
    assert!(
        deleted.header("location").starts_with(server.connection.arm_endpoint.as_str()),
        "{}",
        deleted.header("location")
    );
}

#[tokio::test]
async fn links_point_to_names_of_ours_only() {
    let server = TestServer::start().await;
    server.furnish().await;
    let port = server.connection.arm_endpoint.as_str().rsplit(':').next().unwrap().to_owned();
    for (host, base) in [
        (format!("localhost:{port}"), format!("https://localhost:{port}/")),
        ("evil.example".to_owned(), format!("{}/", server.connection.arm_endpoint)),
        (format!("evil.example:{port}"), format!("{}/", server.connection.arm_endpoint)),
        ("127.0.0.1.evil.example".to_owned(), format!("{}/", server.connection.arm_endpoint)),
    ] {
        let path = server.compute("galleries/other");
        server.put(&path, &located()).await;
        let request = server.request(Method::DELETE, &path).bearer_auth(server.owner()).header("host", &host);
        let deleted = answer(request).await;
        assert!(deleted.header("location").starts_with(&base), "{host}: {}", deleted.header("location"));
    }
}
