//! A blob at an address as bytes at offsets: range requests to one pinned address and one pinned state.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use disks::ReadAt;
use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, ETAG, IF_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
    RANGE,
};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

use super::guard::{choose, parse};
use super::{SourceError, SourceSettings};

/// Bytes asked for at once.
const WINDOW_BYTES: u64 = 8 << 20;

/// A blob that can be read at any offset, from blocking code.
pub struct Remote {
    client: reqwest::Client,
    url: Url,
    length: u64,
    /// What pins the state: the ETag, else Last-Modified.
    state: State,
    pace: Pace,
    stopped: CancellationToken,
    handle: Handle,
    window: Mutex<Option<(u64, Bytes)>>,
}

/// How slow a source may be.
#[derive(Clone, Copy, Debug)]
struct Pace {
    stall: Duration,
    least_bytes: u64,
    window: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    ETag(String),
    Modified(String),
    Unknown,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may carry a signature.
        f.debug_struct("Remote")
            .field("host", &self.url.host_str())
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Remote {
    /// Checks the address, connects, and learns length and state; this and every read ends when `stopped` is raised.
    ///
    /// # Errors
    /// [`SourceError`], in words for the client.
    pub async fn open(
        address: &str,
        settings: &SourceSettings,
        stopped: CancellationToken,
    ) -> Result<Self, SourceError> {
        let opened =
            stopped.clone().run_until_cancelled_owned(Self::connect(address, settings, stopped)).await;
        opened.unwrap_or(Err(SourceError::CalledOff))
    }

    async fn connect(
        address: &str,
        settings: &SourceSettings,
        stopped: CancellationToken,
    ) -> Result<Self, SourceError> {
        let url = parse(address)?;
        let peer = choose(&url, &resolve(&url).await?, &settings.allow)?;
        let host = url.host_str().ok_or(SourceError::Malformed)?.to_owned();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .resolve(&host, peer)
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(|_error| SourceError::Unreadable("no client could be made"))?;
        let mut remote = Self {
            client,
            url,
            length: 0,
            state: State::Unknown,
            pace: Pace {
                stall: settings.stall,
                least_bytes: settings.least_bytes,
                window: settings.pace_window,
            },
            stopped,
            handle: Handle::current(),
            window: Mutex::new(None),
        };
        let first = remote.range(0, 512).await?;
        if first.total > settings.largest_bytes {
            return Err(SourceError::Unreadable("it is larger than the limit for images"));
        }
        if first.state == State::Unknown {
            let words = "the server gives no way to tell whether the blob changes (ETag or Last-Modified)";
            return Err(SourceError::Unreadable(words));
        }
        remote.length = first.total;
        remote.state = first.state;
        Ok(remote)
    }

    /// Asks for `start..end` and takes nothing but that.
    async fn range(&self, start: u64, end: u64) -> Result<Part, SourceError> {
        let mut request = self
            .client
            .get(self.url.clone())
            .header(RANGE, format!("bytes={start}-{}", end.saturating_sub(1)))
            .header(ACCEPT_ENCODING, "identity");
        request = match &self.state {
            State::ETag(etag) => request.header(IF_MATCH, etag),
            State::Modified(since) => request.header(IF_UNMODIFIED_SINCE, since),
            // Only the first answer can tell.
            State::Unknown => request,
        };
        let silent = SourceError::Unreadable("it does not answer");
        let response = timeout(self.pace.stall, request.send()).await.map_err(|_late| silent)?;
        let response = response.map_err(|_error| SourceError::Unreadable("the connection failed"))?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::PRECONDITION_FAILED => return Err(SourceError::Changed),
            StatusCode::OK => {
                return Err(SourceError::Unreadable("the server does not answer range requests"));
            }
            status if status.is_redirection() => {
                return Err(SourceError::Unreadable("it redirects elsewhere, which is not followed"));
            }
            StatusCode::NOT_FOUND => return Err(SourceError::Unreadable("there is nothing at this address")),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
                return Err(SourceError::Unreadable("access was denied"));
            }
            _ => return Err(SourceError::Unreadable("the server answered with an error")),
        }
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if header(CONTENT_ENCODING).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
            return Err(SourceError::Unreadable("the server compresses its answer"));
        }
        let state = match (header(ETAG), header(LAST_MODIFIED)) {
            (Some(etag), _) if !etag.starts_with("W/") => State::ETag(etag),
            (_, Some(modified)) => State::Modified(modified),
            _ => State::Unknown,
        };
        let wrong = SourceError::Unreadable("the server answered with another range than asked");
        let (from, to, total) = header(CONTENT_RANGE).as_deref().and_then(content_range).ok_or(wrong)?;
        if from != start || to + 1 != end.min(total) {
            return Err(SourceError::Unreadable("the server answered with another range than asked"));
        }
        let bytes = self.body(response, to - from + 1).await?;
        Ok(Part { bytes, total, state })
    }

    /// Reads exactly `length` bytes; silence or a trickle ends it.
    async fn body(&self, mut response: reqwest::Response, length: u64) -> Result<Bytes, SourceError> {
        let length =
            usize::try_from(length).map_err(|_error| SourceError::Unreadable("the answer is too long"))?;
        let mut bytes = Vec::with_capacity(length);
        let (mut window_end, mut window_bytes) = (Instant::now() + self.pace.window, 0);
        loop {
            let silent_at = Instant::now() + self.pace.stall;
            let Ok(chunk) = timeout_at(silent_at.min(window_end), response.chunk()).await else {
                if window_end > silent_at {
                    return Err(SourceError::Unreadable("it stopped sending"));
                }
                if window_bytes < self.pace.least_bytes {
                    return Err(SourceError::Unreadable("it sends too slowly"));
                }
                (window_end, window_bytes) = (Instant::now() + self.pace.window, 0);
                continue;
            };
            match chunk {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= length => {
                    bytes.extend_from_slice(&chunk);
                    window_bytes += u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                }
                Ok(None) if bytes.len() == length => return Ok(bytes.into()),
                Ok(_) => return Err(SourceError::Unreadable("the answer has another length than announced")),
                Err(_error) => return Err(SourceError::Unreadable("the connection broke")),
            }
        }
    }

    /// The window that holds `offset`, fetched unless it is the last one used.
    fn window(&self, offset: u64) -> io::Result<(u64, Bytes)> {
        let start = offset / WINDOW_BYTES * WINDOW_BYTES;
        let mut last = self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((at, bytes)) = last.as_ref().filter(|(at, _)| *at == start) {
            return Ok((*at, bytes.clone()));
        }
        let end = (start + WINDOW_BYTES).min(self.length);
        let part = self.handle.block_on(self.stopped.run_until_cancelled(self.range(start, end)));
        let part = part.unwrap_or(Err(SourceError::CalledOff)).map_err(io::Error::other)?;
        if part.total != self.length || part.state != self.state {
            return Err(io::Error::other(SourceError::Changed));
        }
        *last = Some((start, part.bytes.clone()));
        Ok((start, part.bytes))
    }
}

struct Part {
    bytes: Bytes,
    total: u64,
    state: State,
}

impl ReadAt for Remote {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = u64::try_from(filled).ok().and_then(|filled| offset.checked_add(filled));
            let at = at.filter(|at| *at < self.length).ok_or(io::ErrorKind::UnexpectedEof)?;
            let (start, bytes) = self.window(at)?;
            let skip = usize::try_from(at - start).map_err(io::Error::other)?;
            let part = bytes.get(skip..).unwrap_or_default();
            let take = part.len().min(buffer.len() - filled);
            if take == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer[filled..filled + take].copy_from_slice(&part[..take]);
            filled += take;
        }
        Ok(())
    }
}

/// The name is resolved once; what it resolved to is what is checked and connected to.
async fn resolve(url: &Url) -> Result<Vec<SocketAddr>, SourceError> {
    let port = url.port_or_known_default().ok_or(SourceError::Malformed)?;
    match url.host() {
        Some(Host::Ipv4(address)) => Ok(vec![SocketAddr::new(address.into(), port)]),
        Some(Host::Ipv6(address)) => Ok(vec![SocketAddr::new(address.into(), port)]),
        Some(Host::Domain(name)) => {
            let found =
                tokio::time::timeout(Duration::from_secs(10), tokio::net::lookup_host((name, port))).await;
            let unknown = || SourceError::Unreadable("its host name cannot be resolved");
            Ok(found.map_err(|_late| unknown())?.map_err(|_error| unknown())?.collect())
        }
        None => Err(SourceError::Malformed),
    }
}

/// `bytes 0-511/1024` → (0, 511, 1024).
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, to) = range.split_once('-')?;
    let (from, to, total) = (from.parse().ok()?, to.parse().ok()?, total.parse().ok()?);
    (from <= to && to < total).then_some((from, to, total))
}
