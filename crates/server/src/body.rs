//! Bodies of requests: bounded in length, in number, and in the patience they take.
//!
//! Nothing is allocated for what a client announces, only for what arrived.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use providers::Rejection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A body that brings nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes bodies of one kind, only so many at once; others wait.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    limit_bytes: usize,
    places: Arc<Semaphore>,
}

/// A body's place, given back when this is dropped: when the work with the body is done.
pub(crate) type Place = OwnedSemaphorePermit;

impl Intake {
    /// Bodies of at most `limit_bytes`, `at_once` at a time.
    pub(crate) fn new(limit_bytes: usize, at_once: usize) -> Self {
        Self { limit_bytes, places: Arc::new(Semaphore::new(at_once)) }
    }

    /// A whole body.
    pub(crate) async fn read(&self, body: Body) -> Result<(Bytes, Place), Rejection> {
        let place = self.place().await?;
        Ok((read(body, self.limit_bytes).await?, place))
    }

    /// A body in parts, for who need not hold it whole.
    pub(crate) async fn each(
        &self,
        body: Body,
        part: impl FnMut(&Bytes) -> Result<(), Rejection> + Send,
    ) -> Result<Place, Rejection> {
        let place = self.place().await?;
        each(body, self.limit_bytes, PATIENCE, part).await?;
        Ok(place)
    }

    async fn place(&self) -> Result<Place, Rejection> {
        // Nothing closes these; if something did, the server would be ending.
        let closed = |_closed| Rejection::new(503, "ServerBusy", "The server is stopping. Try again later.");
        self.places.clone().acquire_owned().await.map_err(closed)
    }
}

/// A whole body of at most `limit_bytes`.
///
/// # Errors
/// 413 when it is longer, 408 when it stops arriving, 400 when it ends early.
pub(crate) async fn read(body: Body, limit_bytes: usize) -> Result<Bytes, Rejection> {
    let (mut first, mut whole) = (Bytes::new(), BytesMut::new());
    each(body, limit_bytes, PATIENCE, |part| {
        if first.is_empty() && whole.is_empty() {
            first = part.clone();
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(part);
        }
        Ok(())
    })
    .await?;
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

async fn each(
    mut body: Body,
    limit_bytes: usize,
    patience: Duration,
    mut part: impl FnMut(&Bytes) -> Result<(), Rejection>,
) -> Result<(), Rejection> {
    let mut left = limit_bytes;
    loop {
        let frame = tokio::time::timeout(patience, body.frame()).await.map_err(|_late| {
            let message = format!("The request content stopped arriving for {} seconds.", patience.as_secs());
            Rejection::new(408, "RequestTimeout", message)
        })?;
        let Some(frame) = frame else { return Ok(()) };
        let ended = "The request content ended early.";
        let frame = frame.map_err(|_broken| Rejection::new(400, "InvalidRequestContent", ended))?;
        // Trailers say nothing that anybody asked for.
        let Ok(bytes) = frame.into_data() else { continue };
        left = left.checked_sub(bytes.len()).ok_or_else(|| {
            let message = format!("The request content is larger than the limit of {limit_bytes} bytes.");
            Rejection::new(413, "RequestContentTooLarge", message)
        })?;
        part(&bytes)?;
    }
}

#[cfg(test)]
mod tests;
