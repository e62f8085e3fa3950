//! Storage accounts on the wire: made through Azure Resource Manager, used as blob storage.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use control::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use server::SystemClock;

use crate::world::{Answer, TestServer, answer, located};

const VERSION: &str = "2026-04-06";

/// A server with the account `acct` and the container `vhds`.
async fn server() -> TestServer {
    let server = TestServer::start().await;
    assert_eq!(server.put(&server.group(), &located()).await.status, 201);
    let body = json!({"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}});
    let made = server.put(&account(&server), &body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let made = blob(&server, Method::PUT, "/acct/vhds?restype=container", &[], b"").await;
    assert_eq!(made.status, 201, "{}", made.text);
    server
}

fn account(server: &TestServer) -> String {
    format!("{}/providers/Microsoft.Storage/storageAccounts/acct", server.group())
}

/// A request of the owner, by our own token.
async fn blob(
    server: &TestServer,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    answer(request(server, method, path, headers, body).bearer_auth(server.owner())).await
}

fn request(
    server: &TestServer,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> reqwest::RequestBuilder {
    let url = format!("{}{path}", server.connection.arm_endpoint);
    let request = server.client.request(method, url).header("x-ms-version", VERSION);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(body.to_vec())
}

async fn page_blob(server: &TestServer, path: &str, size: &str) -> Answer {
    let headers = [("x-ms-blob-type", "PageBlob"), ("x-ms-blob-content-length", size)];
    blob(server, Method::PUT, path, &headers, b"").await
}

async fn put_page(
    server: &TestServer,
    path: &str,
    range: &str,
    body: &[u8],
    more: &[(&str, &str)],
) -> Answer {
    let headers = [&[("x-ms-page-write", "update"), ("x-ms-range", range)], more].concat();
    blob(server, Method::PUT, &format!("{path}?comp=page"), &headers, body).await
}

fn error_of(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.header("x-ms-error-code"))
}

#[tokio::test]
async fn an_account_is_answered_with_the_address_it_is_reached_by() {
    let server = server().await;
    let shown = server.get(&account(&server)).await.json();
    assert_eq!(
        shown["properties"]["primaryEndpoints"]["blob"],
        format!("{}/acct/", server.connection.arm_endpoint)
    );
    let check = format!("{}/providers/Microsoft.Storage/checkNameAvailability", server.subscription());
    for (name, available, reason) in
        [("acct", false, "AlreadyExists"), ("free1", true, ""), ("No", false, "AccountNameInvalid")]
    {
        let said = server.ask(Method::POST, &check, &json!({"name": name})).await.json();
        assert_eq!(said["nameAvailable"], available, "{said}");
        assert_eq!(said["reason"].as_str().unwrap_or_default(), reason);
    }
    let listed = server.get(&format!("{}/resources", server.group())).await.json();
    let names: Vec<&Value> = listed["value"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["acct"], "what has no place of its own is not listed");
}

#[tokio::test]
async fn pages_are_written_and_read_in_ranges() {
    let server = server().await;
    let path = "/acct/vhds/dir//os.vhd";
    let made = page_blob(&server, path, "1048576").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let written = put_page(&server, path, "bytes=512-1023", &[7; 512], &[]).await;
    assert_eq!(written.status, 201, "{}", written.text);
    assert_ne!(written.header("etag"), made.header("etag"));

    let head = blob(&server, Method::HEAD, path, &[], b"").await;
    assert_eq!(head.status, 200);
    for (name, value) in [
        ("content-length", "1048576"),
        ("x-ms-blob-type", "PageBlob"),
        ("x-ms-blob-sequence-number", "0"),
        ("etag", written.header("etag")),
        ("x-ms-version", VERSION),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(head.header(name), value, "{name}");
    }
    let part = blob(&server, Method::GET, path, &[("x-ms-range", "bytes=510-513")], b"").await;
    assert_eq!((part.status.as_u16(), part.header("content-range")), (206, "bytes 510-513/1048576"));
    assert_eq!(part.text.as_bytes(), [0, 0, 7, 7]);
    let listed = blob(&server, Method::GET, &format!("{path}?comp=pagelist"), &[], b"").await;
    assert!(
        listed.text.contains("<PageRange><Start>0</Start><End>4095</End></PageRange>"),
        "{}",
        listed.text
    );
    assert_eq!(listed.header("x-ms-blob-content-length"), "1048576");

    let clear = [("x-ms-page-write", "clear"), ("x-ms-range", "bytes=0-4095")];
    let cleared = blob(&server, Method::PUT, &format!("{path}?comp=page"), &clear, b"").await;
    assert_eq!(cleared.status, 201, "{}", cleared.text);
    let listed = blob(&server, Method::GET, &format!("{path}?comp=pagelist"), &[], b"").await;
    assert!(!listed.text.contains("<PageRange>"), "{}", listed.text);
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_in_blob_storages_words() {
    let server = server().await;
    let path = "/acct/vhds/b";
    let made = page_blob(&server, path, "4096").await;
    let stale = [("if-match", made.header("etag"))];
    put_page(&server, path, "bytes=0-511", &[1; 512], &[]).await;
    let sum = [("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")];
    let crc = [("x-ms-content-crc64", "AAAAAAAAAAA=")];
    let range = "bytes=0-511";
    for (answered, wanted) in [
        (put_page(&server, path, range, &[1; 512], &stale).await, (412, "ConditionNotMet")),
        (put_page(&server, path, range, &[1; 512], &sum).await, (400, "Md5Mismatch")),
        (put_page(&server, path, range, &[1; 512], &crc).await, (400, "Crc64Mismatch")),
        (put_page(&server, path, range, &[1; 100], &[]).await, (400, "InvalidHeaderValue")),
        (put_page(&server, path, "bytes=1-512", &[1; 512], &[]).await, (416, "InvalidPageRange")),
        (put_page(&server, path, "bytes=4096-4607", &[1; 512], &[]).await, (416, "InvalidPageRange")),
        (put_page(&server, "/acct/vhds/no", range, &[1; 512], &[]).await, (404, "BlobNotFound")),
        (put_page(&server, "/acct/none/no", range, &[1; 512], &[]).await, (404, "ContainerNotFound")),
        (page_blob(&server, "/acct/vhds/odd", "1000").await, (400, "InvalidHeaderValue")),
        (page_blob(&server, "/nobody1/vhds/b", "512").await, (404, "ResourceNotFound")),
        (blob(&server, Method::GET, path, &[("range", "bytes=4096-")], b"").await, (416, "InvalidRange")),
        (blob(&server, Method::PUT, &format!("{path}?comp=lease"), &[], b"").await, (501, "NotImplemented")),
        (
            blob(&server, Method::PUT, path, &[("x-ms-copy-source", "https://h/x")], b"").await,
            (501, "NotImplemented"),
        ),
        (blob(&server, Method::HEAD, "/acct/vhds/no", &[], b"").await, (404, "BlobNotFound")),
    ] {
        assert_eq!(error_of(&answered), wanted, "{}", answered.text);
        let wanted = format!("<Error><Code>{}</Code>", wanted.1);
        assert!(answered.text.is_empty() || answered.text.contains(&wanted), "{}", answered.text);
    }
    let same = blob(&server, Method::GET, path, &[("if-none-match", "*")], b"").await;
    assert_eq!(same.status, 304);
    let again = [("x-ms-blob-type", "PageBlob"), ("x-ms-blob-content-length", "512"), ("if-none-match", "*")];
    let again = blob(&server, Method::PUT, path, &again, b"").await;
    assert_eq!(error_of(&again), (409, "BlobAlreadyExists"));
}

#[tokio::test]
async fn blocks_and_metadata_are_kept_and_listed() {
    let server = server().await;
    let path = "/acct/vhds/notes.txt";
    let put = |id: &'static str, body: &'static [u8]| {
        let path = format!("{path}?comp=block&blockid={}", id.replace('=', "%3D"));
        let server = &server;
        async move { blob(server, Method::PUT, &path, &[], body).await }
    };
    assert_eq!(put("Yg==", b"world").await.status, 201);
    assert_eq!(put("YQ==", b"hello ").await.status, 201);
    let list = b"<?xml version=\"1.0\"?><BlockList><Latest>YQ==</Latest><Latest>Yg==</Latest></BlockList>";
    let headers = [("x-ms-blob-content-type", "text/plain"), ("x-ms-meta-origin", "a test")];
    let made = blob(&server, Method::PUT, &format!("{path}?comp=blocklist"), &headers, list).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let read = blob(&server, Method::GET, path, &[], b"").await;
    assert_eq!(
        (read.text.as_str(), read.header("content-type"), read.header("x-ms-meta-origin")),
        ("hello world", "text/plain", "a test")
    );
    let blocks =
        blob(&server, Method::GET, &format!("{path}?comp=blocklist&blocklisttype=all"), &[], b"").await;
    assert!(blocks.text.contains("<Name>YQ==</Name><Size>6</Size>"), "{}", blocks.text);
    page_blob(&server, "/acct/vhds/a/1", "512").await;
    page_blob(&server, "/acct/vhds/a/2", "512").await;
    let list = |query: &'static str| {
        let server = &server;
        async move {
            blob(server, Method::GET, &format!("/acct/vhds?restype=container&comp=list{query}"), &[], b"")
                .await
                .text
        }
    };
    let folded = list("&delimiter=%2F&include=metadata").await;
    assert!(
        folded.contains("<BlobPrefix><Name>a/</Name></BlobPrefix><Blob><Name>notes.txt</Name>"),
        "{folded}"
    );
    assert!(folded.contains("<Metadata><origin>a test</origin></Metadata>"), "{folded}");
    let first = list("&maxresults=1").await;
    assert!(first.contains("<Name>a/1</Name>") && !first.contains("<Name>a/2</Name>"), "{first}");
    assert!(!first.contains("<NextMarker></NextMarker>"), "{first}");
    let gone = blob(&server, Method::DELETE, path, &[], b"").await;
    assert_eq!(gone.status, 202);
    assert_eq!(error_of(&blob(&server, Method::GET, path, &[], b"").await), (404, "BlobNotFound"));
}

/// The Authorization header of Shared Key for a request without body and conditions.
fn shared_key(key: &str, method: &str, path: &str, query: &[&str], date: &str) -> String {
    let own = format!("x-ms-date:{date}\nx-ms-version:{VERSION}");
    let resource = std::iter::once(format!("/acct{path}")).chain(query.iter().map(|pair| (*pair).to_owned()));
    let resource: Vec<String> = resource.collect();
    let message = format!("{method}{}{own}\n{}", "\n".repeat(12), resource.join("\n"));
    let key = Key::new(HMAC_SHA256, &STANDARD.decode(key).unwrap());
    format!("SharedKey acct:{}", STANDARD.encode(sign(&key, message.as_bytes())))
}

#[tokio::test]
async fn only_the_keys_that_stand_open_an_account() {
    let server = server().await;
    page_blob(&server, "/acct/vhds/b", "512").await;
    let keys = server.ask(Method::POST, &format!("{}/listKeys", account(&server)), &Value::Null).await.json();
    let key = keys["keys"][0]["value"].as_str().unwrap().to_owned();
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let date = printer.timestamp_to_rfc9110_string(&SystemClock.now()).unwrap();
    let ask = |authorization: String, date: String| {
        let headers = [("authorization", authorization), ("x-ms-date", date)];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        answer(request(&server, Method::GET, "/acct/vhds/b", &headers, b""))
    };
    let good = shared_key(&key, "GET", "/acct/vhds/b", &[], &date);
    let opened = ask(good.clone(), date.clone()).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let old = "Mon, 01 Jan 2024 00:00:00 GMT";
    for (authorization, date) in [
        (good.replace("acct:", "acct:A"), date.clone()),
        (good.replace("acct:", "other:"), date.clone()),
        (shared_key(&key, "PUT", "/acct/vhds/b", &[], &date), date.clone()),
        (shared_key(&key, "GET", "/acct/vhds/c", &[], &date), date.clone()),
        (shared_key(&key, "GET", "/acct/vhds/b", &[], old), old.to_owned()),
    ] {
        let refused = ask(authorization, date).await;
        assert_eq!(error_of(&refused), (403, "AuthenticationFailed"), "{}", refused.text);
    }
    let anew = format!("{}/regenerateKey", account(&server));
    assert_eq!(server.ask(Method::POST, &anew, &json!({"keyName": "key1"})).await.status, 200);
    assert_eq!(error_of(&ask(good, date).await), (403, "AuthenticationFailed"));
    let nobody = answer(request(&server, Method::GET, "/acct/vhds/b", &[], b"")).await;
    assert_eq!(error_of(&nobody), (401, "NoAuthenticationInformation"));
    let stranger =
        request(&server, Method::GET, "/acct/vhds/b", &[], b"").bearer_auth(server.stranger().await);
    assert_eq!(error_of(&answer(stranger).await), (403, "AuthorizationPermissionMismatch"));
}

#[tokio::test]
async fn a_deleted_container_and_account_take_their_blobs() {
    let server = server().await;
    page_blob(&server, "/acct/vhds/b", "512").await;
    let gone = blob(&server, Method::DELETE, "/acct/vhds?restype=container", &[], b"").await;
    assert_eq!(gone.status, 202, "{}", gone.text);
    let read = blob(&server, Method::GET, "/acct/vhds/b", &[], b"").await;
    assert_eq!(error_of(&read), (404, "ContainerNotFound"));
    assert_eq!(server.ask(Method::DELETE, &account(&server), &Value::Null).await.status, 200);
    let read = blob(&server, Method::GET, "/acct/vhds/b", &[], b"").await;
    assert_eq!(error_of(&read), (404, "ResourceNotFound"));
}
