//! A small web server for one blob, honest or not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Honest,
    /// Only with Last-Modified.
    NoETag,
    /// Without anything that pins the blob's state.
    NoState,
    /// As [`Manner::NoETag`]; changes after the first answer and admits it when asked with If-Unmodified-Since.
    Modified,
    /// Never sends the second half of an answer after the first, and does not end it.
    Hangs,
    Redirects,
    /// Sends everything whatever was asked.
    IgnoresRanges,
    /// Answers with the range before the one asked for.
    WrongRange,
    /// Says that the blob is longer than it is after the first answer.
    Grows,
    /// Another state after the first answer.
    Changes,
    /// Another state after the first answer, and admits it when asked with If-Match.
    ChangesAndAdmits,
    /// Ends the connection in the middle of an answer.
    CutsShort,
    Compresses,
    Denies,
    /// No blob.
    Missing,
}

/// The server; it ends with this.
pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Web {
    /// Serves `blob` on a free port.
    pub(crate) async fn serve(blob: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (blob, requests) = (Arc::new(blob), Arc::new(AtomicUsize::new(0)));
        let count = requests.clone();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, blob.clone(), manner, count.clone()));
            }
        });
        Self { address, requests, _serving: serving }
    }

    /// The blob's address, with a signature.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/vhds/os.vhd?sv=2026&sig=canary%2Fcanary", self.address)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// When the blob was written; in small letters, as requests are read.
const MODIFIED: &str = "sat, 21 nov 2026 00:00:00 gmt";

async fn connection(stream: TcpStream, blob: Arc<Vec<u8>>, manner: Manner, count: Arc<AtomicUsize>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    loop {
        let (mut range, mut is_bound) = (None, false);
        loop {
            let Ok(Some(line)) = lines.next_line().await else { return };
            if line.is_empty() {
                break;
            }
            let line = line.to_ascii_lowercase();
            is_bound |= line.starts_with("if-match:") || line == format!("if-unmodified-since: {MODIFIED}");
            if let Some(asked) = line.strip_prefix("range: bytes=") {
                let (from, to) = asked.split_once('-').unwrap();
                range = Some((from.parse::<usize>().unwrap(), to.parse::<usize>().unwrap()));
            }
        }
        let number = count.fetch_add(1, Ordering::SeqCst);
        let (from, to) = range.expect("only ranges are asked for");
        let reply = reply(&blob, manner, number, is_bound, from, to.min(blob.len() - 1));
        let is_sent = writer.write_all(&reply).await.is_ok();
        if manner == Manner::Hangs && number > 0 {
            std::future::pending::<()>().await;
        }
        if !is_sent || manner == Manner::CutsShort && number > 0 {
            return;
        }
    }
}

fn reply(blob: &[u8], manner: Manner, number: usize, is_bound: bool, from: usize, to: usize) -> Vec<u8> {
    let is_later = number > 0;
    let etag = match manner {
        Manner::NoState => String::new(),
        Manner::NoETag | Manner::Modified => format!("last-modified: {MODIFIED}\r\n"),
        Manner::Changes if is_later => "etag: \"second\"\r\n".to_owned(),
        _ => "etag: \"first\"\r\n".to_owned(),
    };
    let total = if manner == Manner::Grows && is_later { blob.len() + 1 } else { blob.len() };
    let shift = if manner == Manner::WrongRange && is_later { 512 } else { 0 };
    let mut part = &blob[from..=to];
    let mut status = "206 Partial Content";
    let mut further = format!("content-range: bytes {}-{}/{total}\r\n", from + shift, to + shift);
    match manner {
        Manner::Redirects => {
            (status, part) = ("302 Found", &[]);
            further = "location: http://127.0.0.1:1/secret\r\n".to_owned();
        }
        Manner::IgnoresRanges => (status, part) = ("200 OK", blob),
        Manner::ChangesAndAdmits | Manner::Modified if is_later && is_bound => {
            (status, part) = ("412 Precondition Failed", &[]);
        }
        Manner::Denies => (status, part) = ("403 Forbidden", &[]),
        Manner::Missing => (status, part) = ("404 Not Found", &[]),
        Manner::Compresses => further.push_str("content-encoding: gzip\r\n"),
        _ => {}
    }
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{etag}{further}\r\n", part.len());
    let is_cut = matches!(manner, Manner::CutsShort | Manner::Hangs);
    let sent = if is_cut && is_later { part.len() / 2 } else { part.len() };
    [head.as_bytes(), &part[..sent]].concat()
}
