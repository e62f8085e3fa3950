//! How a server begins and ends.

use std::time::Duration;

use serde_json::Value;
use server::serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::world::{PATIENCE, TestServer, located, options};

/// What an operator's stop may take, whatever is under way.
const STOP: Duration = Duration::from_secs(10);

/// A PUT of the group that the server has taken up and whose body is still to come.
async fn under_way(server: &TestServer) -> TlsStream<TcpStream> {
    let mut stream = server.connect().await;
    let head = format!(
        "PUT {}?api-version=2024-11-01 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        server.group(),
        server.owner(),
        located().to_string().len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body once somebody reads it.
    let mut said = [0; 25];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_ends() {
    let server = TestServer::start().await;
    let mut stream = under_way(&server).await;
    server.stop.cancel();
    stream.write_all(located().to_string().as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 201 Created"), "{said}");
    let ended = tokio::time::timeout(STOP, server.running).await.expect("the server ends in time");
    ended.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_server() {
    let server = TestServer::start().await;
    let _held = under_way(&server).await;
    server.stop.cancel();
    let ended = tokio::time::timeout(STOP, server.running).await.expect("the server ends in time");
    ended.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_made_stands_after_the_next_start() {
    let server = TestServer::start().await;
    server.furnish().await;
    let path = server.compute("galleries/g/images/d");
    let before = server.get(&path).await;
    let folder = server.end().await;
    let server = TestServer::start_in(folder).await;
    let after = server.get(&path).await;
    assert_eq!(
        (after.status, after.text, after.headers.get("etag")),
        (before.status, before.text, before.headers.get("etag"))
    );
}

#[tokio::test]
async fn a_folder_is_served_once_at_a_time() {
    let server = TestServer::start().await;
    let second = serve(options(server.folder.path()), CancellationToken::new(), |_endpoint| {});
    let error = tokio::time::timeout(PATIENCE, second).await.unwrap().unwrap_err();
    let said = format!("{error:#}");
    assert!(said.contains("in use by another gallerist serve"), "{said}");
    assert!(!said.contains(server.folder.path().to_str().unwrap()), "{said}");
    assert_eq!(server.get("/tenants").await.json()["value"].as_array().map(Vec::len), Some(1));
    let folder = server.end().await;
    let again = TestServer::start_in(folder).await;
    assert_ne!(again.get("/subscriptions").await.json(), Value::Null);
}
