//! Disks under a grant, which clients write as page blobs: the bytes are those of a file, and no row tells of a write.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::blob::{Blob, BlobKind, Headers};
use super::gate::Ended;
use super::write::check_pages;
use super::{Blobs, Touched, refusals};
use crate::content::{Content, OpenContent};
use crate::{Error, Granted};

impl Blobs {
    /// A disk under a grant as the page blob that its client takes it for, and its bytes.
    ///
    /// # Errors
    /// 404 when the bytes have gone, with the end of the grant.
    pub async fn granted(&self, granted: &Granted, name: &str) -> Result<(Blob, OpenContent), Error> {
        let open = match self.open(granted.content.clone()).await {
            Err(error) if super::is_moved(&error) => return Err(refusals::blob_not_found().into()),
            open => open?,
        };
        let (etag, last_modified) = match (&granted.content, &open) {
            (Content::Stored { image, .. }, _) => (
                image.root.to_string().chars().filter(char::is_ascii_hexdigit).take(16).collect(),
                Timestamp::UNIX_EPOCH,
            ),
            (Content::Staged(_), OpenContent::Staged(file)) => {
                (format!("{:X}", file.changed_nanoseconds().map_err(Error::Staging)?), self.clock.now())
            }
            (Content::Staged(_), OpenContent::Stored { .. }) => (String::new(), self.clock.now()),
        };
        let blob = Blob {
            name: name.to_owned(),
            kind: BlobKind::Page,
            size_bytes: open.size_bytes()?,
            etag: format!("0x{etag}"),
            last_modified,
            created: last_modified,
            sequence: 0,
            headers: Headers::new(),
            metadata: Headers::new(),
            content: Some(granted.content.clone()),
            blocks: Vec::new(),
            put_blocks: None,
        };
        Ok((blob, open))
    }

    /// Writes `bytes` at `range` of a disk under upload, or with `None` clears it, durably. Whoever acknowledges it looks
    /// whether the grant still stands afterwards: what its end takes in has been written by then.
    ///
    /// # Errors
    /// 416 for a range that is not in it, 404 when the file has gone.
    pub async fn write_granted(
        &self,
        file: Uuid,
        range: Range<u64>,
        bytes: Option<Bytes>,
    ) -> Result<Touched, Error> {
        let gone = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => refusals::blob_not_found().into(),
            _ => Error::Staging(error),
        };
        let staging = self.staging.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let staged = staging.get(file).map_err(gone)?;
            check_pages(&range, staged.size_bytes().map_err(Error::Staging)?)?;
            match bytes {
                Some(bytes) => staged.write(range.start, &bytes),
                None => staged.clear(range.start, range.end - range.start),
            }
            .map_err(Error::Staging)
        });
        writing.await??;
        let gate = self.gates.named(file.to_string());
        let lead = match gate.lead(gate.arrive()).await {
            Ok(lead) => lead,
            Err(Ended::Written(touched)) => return Ok(touched),
            Err(Ended::Moved | Ended::Failed) => {
                return Err(Error::Staging(std::io::ErrorKind::Other.into()));
            }
        };
        let staging = self.staging.clone();
        let syncing = tokio::task::spawn_blocking(move || {
            let staged = staging.get(file)?;
            staged.sync()?;
            staged.changed_nanoseconds()
        });
        match syncing.await?.map_err(gone) {
            Ok(changed) => {
                let touched =
                    Touched { etag: format!("0x{changed:X}"), last_modified: self.clock.now(), sequence: 0 };
                lead.end(Ended::Written(touched.clone()));
                Ok(touched)
            }
            Err(error) => {
                lead.end(Ended::Failed);
                Err(error)
            }
        }
    }
}
