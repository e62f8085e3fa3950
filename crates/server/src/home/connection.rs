//! `connection.json`: where the server is and how its owner signs in, for clients on this machine.
//!
//! It is the only place that holds the owner's client secret in clear.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Error, Folder};
use crate::cloud::Endpoint;
use crate::identity::Secret;

const FILE: &str = "connection.json";

/// What a client on this machine needs to reach the server as its owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// The server's base address, without a trailing slash; may differ after each start.
    pub arm_endpoint: Endpoint,
    /// The certificate to trust, PEM, as an absolute path.
    pub ca_file: PathBuf,
    /// The owner's tenant.
    pub tenant_id: Uuid,
    /// The subscription made at the first start.
    pub subscription_id: Uuid,
    /// The owner's application id.
    pub client_id: Uuid,
    /// The owner's client secret.
    pub client_secret: Secret,
}

impl Connection {
    /// Reads what the server of the data folder `path` left for local clients.
    ///
    /// # Errors
    /// [`Error::NeverStarted`] before the first start; [`Error::Exposed`] when other users can read
    /// the secret; [`Error::Damaged`] or [`Error::Io`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::load(&Folder::open(path)?)?.ok_or(Error::NeverStarted)
    }

    pub(super) fn load(folder: &Folder) -> Result<Option<Self>, Error> {
        let Some(content) = folder.read_private(FILE)? else {
            return Ok(None);
        };
        serde_json::from_slice(&content).map(Some).map_err(|error| Error::damaged(FILE, error))
    }

    /// One field per line, so that a shell can pick one out with `sed`.
    pub(super) fn write(&self, folder: &Folder) -> Result<(), Error> {
        let mut content = serde_json::to_vec_pretty(self).map_err(|error| Error::damaged(FILE, error))?;
        content.push(b'\n');
        folder.replace_private(FILE, &content)
    }
}
