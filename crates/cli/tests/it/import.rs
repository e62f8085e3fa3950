//! A version from a blob's address, by the real server: the signature in the address appears nowhere.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use disks::{InputFormat, Limits, OutputFormat};
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::server::{PLACE, Server, Start};
use crate::wire::Wire;

/// What must not be seen anywhere.
const CANARY: &str = "c4n4ry";

#[tokio::test]
async fn the_signature_of_a_blob_is_neither_logged_nor_shown_nor_stored() {
    let server = Server::start(Start {
        config: "[source]\nallow = [\"127.0.0.1\"]\n".to_owned(),
        log: "trace".to_owned(),
    });
    let wire = Wire::sign_in(&server).await;
    make_a_definition(&wire).await;
    let disk = Chance::new(7).disk(12);
    let url = |address: SocketAddr| format!("http://{address}/vhds/os.vhd?sv=1&sig={CANARY}");

    let good = version(&wire, "1.0.0", &url(serve(vhd(&disk)))).await;
    assert_eq!(good["status"], "Succeeded", "{good}\n{}", server.log());
    let bad = version(&wire, "1.0.1", &url(serve(vec![1; 1 << 20]))).await;
    assert_eq!(bad["error"]["code"], "InvalidVhd", "{bad}");
    let silent = version(&wire, "1.0.2", &url(([127, 0, 0, 1], 1).into())).await;
    assert_eq!(silent["error"]["code"], "InvalidParameter", "{silent}");

    for (name, operation) in [("1.0.0", good), ("1.0.1", bad), ("1.0.2", silent)] {
        let shown = wire.get(&wire.version(name)).await.body;
        assert!(shown["properties"]["storageProfile"]["osDiskImage"]["source"]["uri"].is_string(), "{shown}");
        assert!(!shown.to_string().contains(CANARY), "{shown}");
        assert!(!operation.to_string().contains(CANARY), "{operation}");
    }
    let log = server.log();
    assert!(log.contains("TRACE"), "nothing was logged at trace level");
    assert!(!log.contains(CANARY), "the signature was logged");
    for entry in std::fs::read_dir(server.data()).unwrap().map(|entry| entry.unwrap().path()) {
        let content = if entry.is_file() { std::fs::read(&entry).unwrap() } else { Vec::new() };
        let has = content.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
        assert!(!has, "the signature is in {}", entry.display());
    }
    let file = server.scratch("out.raw");
    let mut export = server.command(&["export", "--format", "raw", "-e", "1.0.0", "--json", "--output"]);
    assert!(export.arg(&file).args(PLACE).output().unwrap().status.success());
    assert!(std::fs::read(&file).unwrap() == disk);
    assert_eq!(server.run_json(&["verify", "--json"])["violations"], json!([]));
}

async fn make_a_definition(wire: &Wire) {
    let place = json!({"location": "westeurope"});
    let group = format!("{}?api-version=2024-11-01", wire.group());
    assert_eq!(wire.ask(reqwest::Method::PUT, &group, Some(&place)).await.status, 201);
    let gallery = wire.definition();
    let (gallery, _) = gallery.rsplit_once("/images/").unwrap();
    assert_eq!(wire.put(gallery, &place).await.status, 201);
    let definition = json!({"location": "westeurope", "properties": {
        "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2",
        "identifier": {"publisher": "example", "offer": "linux", "sku": "plain"},
    }});
    assert_eq!(wire.put(&wire.definition(), &definition).await.status, 201);
}

/// Asks for a version of what is at `url`; answers the operation as it ended.
async fn version(wire: &Wire, name: &str, url: &str) -> Value {
    let body = json!({"location": "westeurope", "properties": {
        "storageProfile": {"osDiskImage": {"source": {"uri": url}}},
    }});
    let answer = wire.put(&wire.version(name), &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    wire.ended(&answer.operation.expect("an operation")).await
}

fn vhd(disk: &[u8]) -> Vec<u8> {
    let blocks = disks::open(InputFormat::Raw, Box::new(disk.to_vec()), &Limits::default()).unwrap().blocks;
    let file = tempfile::NamedTempFile::new().unwrap();
    disks::write(OutputFormat::Vhd, blocks.as_ref(), [7; 16], &mut file.reopen().unwrap()).unwrap();
    std::fs::read(file.path()).unwrap()
}

/// Serves ranges of `blob` until the test ends.
fn serve(blob: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let blob = Arc::new(blob);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let blob = blob.clone();
            std::thread::spawn(move || answer(stream, &blob));
        }
    });
    address
}

/// Answers range requests on one connection until it is closed.
fn answer(mut stream: TcpStream, blob: &[u8]) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    loop {
        let head: Vec<String> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let range = |line: &String| Some(line.to_ascii_lowercase().strip_prefix("range: bytes=")?.to_owned());
        let Some(range) = head.iter().find_map(range) else { return };
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (from.parse::<usize>().unwrap(), to.parse::<usize>().unwrap().min(blob.len() - 1));
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\netag: \"1\"\r\ncontent-length: {}\r\ncontent-range: bytes {from}-{to}/{}\r\n\r\n",
            to - from + 1,
            blob.len()
        );
        if stream.write_all(&[head.as_bytes(), &blob[from..=to]].concat()).is_err() {
            return;
        }
    }
}
