//! A small server of one blob: what a storage account is to a version made from `--os-vhd-uri`.
//!
//! It answers ranges as blob storage does, and can be told to keep a reader waiting.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// The first range that is asked for tells the length; only what follows is held back.
const FIRST_BYTES: usize = 512;

/// Serves until it is dropped.
pub(super) struct BlobServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    blob: Vec<u8>,
    is_over: AtomicBool,
    is_held: Mutex<bool>,
    changed: Condvar,
}

impl BlobServer {
    /// Serves `blob`, whatever the path.
    pub(super) fn serve(blob: Vec<u8>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            blob,
            is_over: AtomicBool::new(false),
            is_held: Mutex::new(false),
            changed: Condvar::new(),
        });
        let accepting = std::thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// The configuration that lets a gallery read from here.
    pub(super) fn config(&self) -> String {
        format!("[source]\nallow = [\"{}\"]\n", self.address)
    }

    /// The address of the blob, signed as such addresses are.
    pub(super) fn uri(&self) -> String {
        format!("http://{}/vhds/os.vhd?sv=2024-11-04&sig=c2lnbmF0dXJl", self.address)
    }

    /// Keeps everybody who reads the blob waiting, until told otherwise.
    pub(super) fn hold(&self, hold: bool) {
        *self.shared.is_held.lock().unwrap() = hold;
        self.shared.changed.notify_all();
    }
}

impl Drop for BlobServer {
    fn drop(&mut self) {
        self.hold(false);
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
        self.accepting.take().map(JoinHandle::join);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut answering = Vec::new();
    while let Ok((connection, _)) = listener.accept() {
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        let shared = shared.clone();
        // A reader that goes away in the middle ends its connection only.
        answering.push(std::thread::spawn(move || drop(answer(connection, &shared))));
    }
    answering.into_iter().for_each(|thread| thread.join().unwrap());
}

fn answer(mut connection: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let lines = BufReader::new(connection.try_clone()?).lines();
    let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let total = shared.blob.len();
    let range = head.iter().find_map(|line| range_of(line)).map(|(from, to)| (from, to.min(total - 1)));
    let Some((from, to)) = range else {
        return connection
            .write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    };
    if to + 1 > FIRST_BYTES {
        let held = shared.is_held.lock().unwrap();
        drop(shared.changed.wait_while(held, |held| *held).unwrap());
    }
    let length = to + 1 - from;
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\netag: \"0x8D\"\r\ncontent-range: bytes {from}-{to}/{total}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    connection.write_all(head.as_bytes())?;
    connection.write_all(&shared.blob[from..=to])
}

/// `range: bytes=0-511` → (0, 511)
fn range_of(line: &str) -> Option<(usize, usize)> {
    let (name, value) = line.split_once(": ")?;
    let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
    if name.eq_ignore_ascii_case("range") { Some((from.parse().ok()?, to.parse().ok()?)) } else { None }
}
