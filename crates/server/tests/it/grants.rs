//! Disks under a grant on the wire: written and read as page blobs by whoever has the address, and nobody else.

use reqwest::Method;
use serde_json::{Value, json};

use crate::disks::{ended, made};
use crate::world::{Answer, TestServer, answer};

const DISK_BYTES: u64 = 20 << 20;

/// The footer that makes a fixed VHD of a disk ("Virtual Hard Disk Image Format Specification").
fn footer(size_bytes: u64) -> Vec<u8> {
    let mut sector = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| sector[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"conectix");
    put(11, &[2, 0, 1, 0, 0]);
    put(16, &[0xff; 8]);
    put(40, &size_bytes.to_be_bytes());
    put(48, &size_bytes.to_be_bytes());
    put(63, &[2]);
    let sum = !sector.iter().fold(0_u32, |sum, byte| sum + u32::from(*byte));
    sector[64..68].copy_from_slice(&sum.to_be_bytes());
    sector
}

async fn ask(
    server: &TestServer,
    method: Method,
    address: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    let request = server.client.request(method, address).header("x-ms-version", "2026-04-06");
    answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(body))
        .await
}

async fn put_page(server: &TestServer, address: &str, range: &str, body: Vec<u8>) -> Answer {
    let headers = [("x-ms-page-write", "update"), ("x-ms-range", range)];
    ask(server, Method::PUT, &format!("{address}&comp=page"), &headers, body).await
}

async fn access(server: &TestServer, disk: &str, access: &str) -> String {
    let body = json!({"access": access, "durationInSeconds": 3600});
    let begun = server.ask(Method::POST, &format!("{disk}/beginGetAccess"), &body).await;
    let told = ended(server, begun.header("location")).await.json();
    told["accessSAS"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
}

async fn end_access(server: &TestServer, disk: &str) {
    let ending = server.ask(Method::POST, &format!("{disk}/endGetAccess"), &Value::Null).await;
    let operation = ended(server, ending.header("azure-asyncoperation")).await.json();
    assert_eq!(operation["status"], "Succeeded", "{operation}");
}

fn error_of(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.header("x-ms-error-code"))
}

#[tokio::test]
async fn a_disk_is_uploaded_and_read_back_by_its_addresses() {
    let server = TestServer::start().await;
    server.furnish().await;
    let size = DISK_BYTES + 512;
    let upload = json!({"creationData": {"createOption": "Upload", "uploadSizeBytes": size}});
    let disk = made(&server, "disks/up", upload, 202).await["id"].as_str().unwrap().to_owned();
    let address = access(&server, &disk, "Write").await;

    let made = |length: String| {
        let (server, address) = (&server, &address);
        async move {
            let headers = [
                ("x-ms-blob-type", "PageBlob"),
                ("x-ms-blob-content-length", length.as_str()),
                ("if-none-match", "*"),
            ];
            ask(server, Method::PUT, address, &headers, Vec::new()).await
        }
    };
    assert_eq!(made(size.to_string()).await.status, 201);
    assert_eq!(error_of(&made("512".to_owned()).await), (400, "InvalidHeaderValue"));
    let before = ask(&server, Method::HEAD, &address, &[], Vec::new()).await;
    assert_eq!(before.header("content-length"), size.to_string());
    let last = format!("bytes={DISK_BYTES}-{}", size - 1);
    let footer = footer(DISK_BYTES);
    for (range, body) in [(last.as_str(), footer.clone()), ("bytes=4096-8191", vec![7; 4096])] {
        let written = put_page(&server, &address, range, body).await;
        assert_eq!(written.status, 201, "{}", written.text);
        assert_ne!(written.header("etag"), before.header("etag"));
    }
    let outside = format!("bytes={size}-{}", size + 511);
    assert_eq!(
        error_of(&put_page(&server, &address, &outside, vec![1; 512]).await),
        (416, "InvalidPageRange")
    );
    for forged in [
        address.replace("sp=rw", "sp=r"),
        address.replace("/disks/up/", "/disks/other/"),
        address.replace("sig=", "sig=A"),
        address.split('?').next().unwrap().to_owned() + "?sv=none",
    ] {
        assert_eq!(
            error_of(&put_page(&server, &forged, "bytes=0-511", vec![1; 512]).await),
            (403, "AuthenticationFailed"),
            "{forged}"
        );
    }

    end_access(&server, &disk).await;
    for refused in [
        put_page(&server, &address, "bytes=0-511", vec![1; 512]).await,
        ask(&server, Method::GET, &address, &[], Vec::new()).await,
    ] {
        assert_eq!(error_of(&refused), (403, "AuthenticationFailed"), "what is over is over at once");
    }

    let address = access(&server, &disk, "Read").await;
    let ranges = ask(&server, Method::GET, &format!("{address}&comp=pagelist"), &[], Vec::new()).await;
    assert!(ranges.text.contains(&format!("<End>{}</End>", size - 1)), "{}", ranges.text);
    assert!(ranges.text.contains("<End>8191</End>"), "{}", ranges.text);
    let head = ask(&server, Method::GET, &address, &[("range", "bytes=4095-4097")], Vec::new()).await;
    assert_eq!(
        (head.status.as_u16(), head.text.as_bytes(), head.header("content-range")),
        (206, &[0, 7, 7][..], format!("bytes 4095-4097/{size}").as_str())
    );
    let tail = ask(&server, Method::GET, &address, &[("x-ms-range", last.as_str())], Vec::new()).await;
    assert!(tail.text.starts_with("conectix"));
    let refused = put_page(&server, &address, "bytes=0-511", vec![1; 512]).await;
    assert_eq!(error_of(&refused), (403, "AuthorizationPermissionMismatch"));
}
