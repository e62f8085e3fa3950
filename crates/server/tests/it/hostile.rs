//! Requests that no client sends: one answer at most, and the connection ends with it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{PATIENCE, TestServer};

/// Sends `bytes` as they are and reads until the server ends the connection.
async fn exchange(server: &TestServer, bytes: &[u8]) -> String {
    let mut stream = server.connect().await;
    let mut said = Vec::new();
    let talk = async {
        // The server may hang up before it has read everything; what it said until then counts.
        if stream.write_all(bytes).await.is_ok() {
            stream.flush().await.ok();
        }
        stream.read_to_end(&mut said).await.ok();
    };
    tokio::time::timeout(PATIENCE, talk).await.expect("the server ends the connection");
    String::from_utf8_lossy(&said).into_owned()
}

fn statuses(said: &str) -> Vec<u16> {
    said.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

#[tokio::test]
async fn a_malformed_head_is_answered_once_and_the_connection_ends() {
    let server = TestServer::start().await;
    let line = "PUT /subscriptions?api-version=2024-11-01 HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    let many = "X-A: b\r\n".repeat(10_000);
    let large = format!("X-A: {}\r\n", "b".repeat(1 << 20));
    for (what, head, wanted) in [
        ("two lengths", "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", &[400][..]),
        ("a signed length", "Content-Length: +3\r\n\r\nabc", &[400]),
        ("a negative length", "Content-Length: -1\r\n\r\n", &[400]),
        ("a length that is no number", "Content-Length: 0x1\r\n\r\na", &[400]),
        ("chunked, then not", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", &[400]),
        ("a coding that is unknown", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", &[400]),
        ("a folded line", "X-A: b\r\n c\r\n\r\n", &[400]),
        ("NUL in a value", "X-A: b\0c\r\n\r\n", &[400]),
        ("a space before the colon", "X-A : b\r\n\r\n", &[400]),
        ("a line without a colon", "nonsense\r\n\r\n", &[400]),
        ("ten thousand headers", many.as_str(), &[431]),
        ("a header of a mebibyte", large.as_str(), &[431]),
        ("two hosts", "Host: evil.example\r\nConnection: close\r\n\r\n", &[400]),
    ] {
        let end = if head.ends_with("\r\n\r\n") || head.contains("\r\n\r\n") { "" } else { "\r\n" };
        let said = exchange(&server, format!("{line}{head}{end}").as_bytes()).await;
        assert_eq!(statuses(&said), wanted, "{what}: {said}");
    }
}

#[tokio::test]
async fn a_chunked_body_hides_no_second_request() {
    let server = TestServer::start().await;
    for body in [
        "0\r\n\r\n",
        "-1\r\n\r\n",
        "g\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\na",
        "1;ext=\"\n\"\r\na\r\n0\r\n\r\n",
    ] {
        let request = format!(
            "PUT /subscriptions?api-version=2024-11-01 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{body}GET /metadata/endpoints HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        );
        let said = exchange(&server, request.as_bytes()).await;
        assert!(statuses(&said).len() <= 1, "{body:?}: {said}");
        assert!(!said.contains("loginEndpoint"), "{body:?}: {said}");
    }
}

#[tokio::test]
async fn an_absolute_address_of_another_host_gives_no_link_there() {
    let server = TestServer::start().await;
    server.furnish().await;
    let path = server.compute("galleries/g/images/d");
    let said = exchange(
        &server,
        format!(
            "DELETE https://evil.example{path}?api-version=2024-03-03 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
            server.owner()
        )
        .as_bytes(),
    )
    .await;
    assert_eq!(statuses(&said), [202], "{said}");
    assert!(!said.contains("evil.example"), "{said}");
}
