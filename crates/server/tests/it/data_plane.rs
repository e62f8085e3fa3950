//! The data plane as any client meets it: bytes in, and refusals in the shape of Azure Resource Manager.

use reqwest::Method;
use rstest::rstest;
use serde_json::json;
use store::{BlockBuilder, Digest, Entry};

use crate::world::{Answer, TestServer, answer};

const UPLOAD: &str = "galleries/g/images/d/providers/Gallerist.Images/uploads/u";
const VERSION: &str = "galleries/g/images/d/versions/1.0.0";

async fn ask(server: &TestServer, method: Method, path: &str, body: Vec<u8>) -> Answer {
    answer(server.request(method, path).bearer_auth(server.owner()).body(body)).await
}

async fn begin_upload(server: &TestServer) -> String {
    server.furnish().await;
    let id = server.compute(UPLOAD);
    let properties = json!({"format": "raw", "sizeBytes": 8192});
    let begun = server.put(&id, &json!({"location": "westeurope", "properties": properties})).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    id
}

#[tokio::test]
async fn what_is_wanted_is_sent_and_committed() {
    let server = TestServer::start().await;
    let id = begin_upload(&server).await;
    let chunk = vec![7; 4096];
    let digest = Digest::of(&chunk);
    let question = format!("/gallerist/wanted{id}?");
    let wanted = || ask(&server, Method::POST, &question, digest.as_bytes().to_vec());
    assert_eq!(wanted().await.text, "\u{1}");
    let (mut block, mut blocks) = (BlockBuilder::new(), Vec::new());
    block.push(digest, &chunk).unwrap();
    block.finish().write_to(&mut blocks);
    let mut list = Vec::new();
    Entry::Chunk { digest, length: 4096 }.write_to(&mut list);
    let commit = format!("/gallerist/commit{id}?");
    let early = ask(&server, Method::POST, &commit, list.clone()).await;
    assert_eq!(early.json(), json!({"state": "Missing", "missing": [digest.to_string()]}));
    let sent = ask(&server, Method::POST, &format!("/gallerist/blocks{id}?"), blocks).await;
    assert_eq!((sent.status.as_u16(), sent.text.as_str()), (200, "{}"));
    assert_eq!(wanted().await.text, "\0");
    let ended = ask(&server, Method::POST, &commit, list).await;
    assert_eq!(
        (ended.json()["state"].as_str(), ended.json()["newBytes"].as_u64()),
        (Some("Committed"), Some(4096))
    );
}

#[rstest]
#[case::wanted_by_a_version("POST", "wanted", VERSION, "", 404, "ResourceNotFound")]
#[case::blocks_for_a_definition("POST", "blocks", "galleries/g/images/d", "", 404, "ResourceNotFound")]
#[case::an_end_of_a_gallery("POST", "commit", "galleries/g", "", 404, "ResourceNotFound")]
#[case::entries_of_an_upload("GET", "entries", UPLOAD, "", 404, "ResourceNotFound")]
#[case::blocks_of_a_definition("GET", "blocks", "galleries/g/images/d", "", 404, "ResourceNotFound")]
#[case::no_such_upload(
    "POST",
    "wanted",
    "galleries/g/images/d/providers/Gallerist.Images/uploads/x",
    "",
    404,
    "ResourceNotFound"
)]
#[case::no_such_version("GET", "entries", VERSION, "", 404, "ResourceNotFound")]
#[case::no_number("GET", "blocks", VERSION, "from=abc", 400, "InvalidRequestContent")]
#[case::a_negative_number("GET", "blocks", VERSION, "to=-1", 400, "InvalidRequestContent")]
#[case::twice("GET", "blocks", VERSION, "from=1&from=2", 400, "InvalidRequestContent")]
#[case::no_text("GET", "entries", "galleries/%ff", "", 400, "InvalidRequestContent")]
#[case::another_verb("PUT", "wanted", UPLOAD, "", 405, "MethodNotAllowed")]
#[case::one_more_verb("DELETE", "blocks", UPLOAD, "", 405, "MethodNotAllowed")]
#[case::an_odd_verb("TRACE", "entries", VERSION, "", 405, "MethodNotAllowed")]
#[tokio::test]
async fn refusals_are_those_of_azure_resource_manager(
    #[case] method: Method,
    #[case] door: &str,
    #[case] resource: &str,
    #[case] query: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let server = TestServer::start().await;
    begin_upload(&server).await;
    let path = format!("/gallerist/{door}{}?{query}", server.compute(resource));
    let sent = "3d1f2a77-5b0e-4c58-9c53-0d2a3e3c4b5a";
    let request = server
        .request(method, &path)
        .bearer_auth(server.owner())
        .header("x-ms-correlation-request-id", sent)
        .header("x-ms-client-request-id", "mine")
        .header("x-ms-return-client-request-id", "true");
    let refused = answer(request).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (status, code), "{}", refused.text);
    assert!(refused.header("x-ms-request-id").parse::<uuid::Uuid>().is_ok());
    assert_eq!(refused.header("x-ms-correlation-request-id"), sent);
    assert_eq!(refused.header("x-ms-client-request-id"), "mine");
    assert_eq!(refused.header("content-type"), "application/json; charset=utf-8");
}

#[rstest]
#[case::bodies("POST", "blocks", UPLOAD)]
#[case::reads("GET", "entries", VERSION)]
#[tokio::test]
async fn whoever_is_not_signed_in_is_told_where_to_here_too(
    #[case] method: Method,
    #[case] door: &str,
    #[case] resource: &str,
    #[values(None, Some("Bearer x.y.z"))] header: Option<&str>,
) {
    let server = TestServer::start().await;
    let ask = |method: Method, path: String| {
        let request = server.request(method, &path);
        answer(match header {
            Some(value) => request.header("authorization", value),
            None => request,
        })
    };
    let here = ask(method, format!("/gallerist/{door}{}?", server.compute(resource))).await;
    let there = ask(Method::GET, server.compute(resource)).await;
    assert_eq!((here.status.as_u16(), here.code()), (401, there.code()));
    assert_eq!(here.header("www-authenticate"), there.header("www-authenticate"));
}

#[tokio::test]
async fn a_stranger_may_neither_write_nor_read_bytes() {
    let server = TestServer::start().await;
    let id = begin_upload(&server).await;
    let stranger = server.stranger().await;
    for (method, path) in [
        (Method::POST, format!("/gallerist/wanted{id}?")),
        (Method::POST, format!("/gallerist/blocks{id}?")),
        (Method::POST, format!("/gallerist/commit{id}?")),
        (Method::GET, format!("/gallerist/entries{}?", server.compute(VERSION))),
        (Method::GET, format!("/gallerist/blocks{}?", server.compute(VERSION))),
    ] {
        let refused = answer(server.request(method, &path).bearer_auth(&stranger)).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (403, "AuthorizationFailed"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_list_of_more_digests_than_one_question_takes_is_too_large() {
    let server = TestServer::start().await;
    let id = begin_upload(&server).await;
    let path = format!("/gallerist/wanted{id}?");
    let most = ask(&server, Method::POST, &path, vec![0; 4 << 20]).await;
    assert_eq!((most.status.as_u16(), most.text.len()), (200, 1 << 17));
    let more = ask(&server, Method::POST, &path, vec![0; (4 << 20) + 32]).await;
    assert_eq!((more.status.as_u16(), more.code().as_str()), (413, "RequestContentTooLarge"));
}

#[rstest]
#[case::no_digests("wanted", vec![1; 33])]
#[case::no_blocks("blocks", vec![1; 33])]
#[case::half_an_entry("commit", vec![3, 1, 2])]
#[case::no_entry("commit", vec![0xff; 100])]
#[tokio::test]
async fn bodies_that_are_none_are_refused(#[case] door: &str, #[case] body: Vec<u8>) {
    let server = TestServer::start().await;
    let id = begin_upload(&server).await;
    let refused = ask(&server, Method::POST, &format!("/gallerist/{door}{id}?"), body).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "InvalidRequestContent"));
}
