//! Who may reach a disk's bytes by an address: whoever has one that we signed, while its grant stands in the row.

use std::sync::Arc;

use arm::ResourceId;
use control::{Clock, Engine, stored_of};
use jiff::Timestamp;
use providers::compute::disk::Grant;
use providers::{Document, Rejection};
use serde_json::Value;
use uuid::Uuid;

use crate::disk::{PURPOSE, address_parts, staged};
use crate::image::Image;
use crate::{Content, Error};

/// Checks addresses.
#[derive(Clone)]
pub struct Grants {
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grants").finish_non_exhaustive()
    }
}

/// What an address gives access to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The bytes: the file of a disk under upload, or a disk as a fixed VHD.
    pub content: Content,
    /// Whether they may be written too.
    pub may_write: bool,
}

impl Grants {
    /// Checks against the rows of `engine`.
    #[must_use]
    pub fn new(engine: Arc<Engine>, clock: Arc<dyn Clock>) -> Self {
        Self { engine, clock }
    }

    /// What the address of `grant` on the disk `id` gives access to; the rest is what its query says, decoded.
    ///
    /// # Errors
    /// 403 `AuthenticationFailed`, in the same words whatever is wrong: forged, over, revoked, or of no disk.
    pub async fn find(
        &self,
        id: &ResourceId,
        grant: &str,
        permission: &str,
        expires: &str,
        signature: &str,
    ) -> Result<Granted, Error> {
        let signed = address_parts(id, grant, permission, expires);
        let genuine = self.engine.verify(PURPOSE, &signed.each_ref().map(String::as_str), signature);
        let until = expires.parse::<Timestamp>().ok().filter(|until| *until > self.clock.now());
        if !genuine || until.is_none() {
            return Err(refused());
        }
        let row = self.engine.metadata().row(id).await?.ok_or_else(refused)?;
        let document = stored_of(&row)?.document;
        let standing = Grant::of(&document.internal).filter(|standing| standing.id == grant);
        let standing = standing.ok_or_else(refused)?;
        let may_write = standing.may_write;
        let content = if may_write { staged(&document).map(Content::Staged) } else { stored(&document) };
        Ok(Granted { content: content.ok_or_else(refused)?, may_write })
    }
}

/// A disk and the footer that makes it a VHD, the same at every reading.
fn stored(document: &Document) -> Option<Content> {
    let image = Image::of(document)?;
    let region = document.location.as_deref()?.parse().ok()?;
    let unique = document.properties.get("uniqueId").and_then(Value::as_str)?;
    let identity = unique.parse::<Uuid>().unwrap_or_default().into_bytes();
    let tail = disks::fixed_vhd_footer(image.size_bytes, identity).to_vec();
    Some(Content::Stored { region, image, tail })
}

fn refused() -> Error {
    let message = "Server failed to authenticate the request. The address is not valid, or its access has ended. Ask for access again.";
    Rejection::new(403, "AuthenticationFailed", message).into()
}
