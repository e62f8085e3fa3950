//! Where the bytes of one disk come from: as the rules name it, and as a job reads it.
//!
//! The address of a blob is stored and shown without its query, which is where signatures are; only the job sees it
//! whole.

use arm::ResourceId;
use serde_json::{Value, json};
use url::Url;

use crate::Rejection;

pub(crate) const DEFINITIONS: &str = "Microsoft.Compute/galleries/images";
pub(crate) const DISKS: &str = "Microsoft.Compute/disks";
pub(crate) const IMAGES: &str = "Microsoft.Compute/images";
pub(crate) const SNAPSHOTS: &str = "Microsoft.Compute/snapshots";
pub(crate) const STORAGE_ACCOUNTS: &str = "Microsoft.Storage/storageAccounts";
pub(crate) const UPLOADS: &str = "Gallerist.Images/uploads";
pub(crate) const VERSIONS: &str = "Microsoft.Compute/galleries/images/versions";
pub(crate) const VIRTUAL_MACHINES: &str = "Microsoft.Compute/virtualMachines";

/// One disk's source that this release reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// A fixed VHD behind an address; whole, with its signature.
    Blob(Url),
    /// A managed disk.
    Disk(ResourceId),
    /// Nothing but zeros.
    Empty,
    /// A managed image, with all its disks.
    Image(ResourceId),
    /// A snapshot.
    Snapshot(ResourceId),
    /// Bytes that `gallerist publish` brought.
    Upload(ResourceId),
    /// A disk of an image version: of a definition, the latest one's.
    Version {
        /// The version, or the definition.
        id: ResourceId,
        /// Which data disk; the OS disk without.
        lun: Option<i64>,
    },
}

impl Source {
    /// As the job reads it.
    pub(crate) fn to_job(&self) -> Value {
        let of = |kind: &str, id: &ResourceId| json!({"kind": kind, "id": id.to_string()});
        match self {
            // Sealed on its way to the job: the query may hold a signature.
            Self::Blob(uri) => {
                json!({"kind": "blob", "uri": shown(uri), "secret": uri.as_str(), "format": "vhd"})
            }
            Self::Disk(id) => of("disk", id),
            Self::Empty => json!({"kind": "empty"}),
            Self::Image(id) => of("image", id),
            Self::Snapshot(id) => of("snapshot", id),
            Self::Upload(id) => of("upload", id),
            Self::Version { id, lun: None } => of("version", id),
            Self::Version { id, lun: Some(lun) } => {
                json!({"kind": "version", "id": id.to_string(), "lun": lun})
            }
        }
    }
}

/// The address of a blob that stands at `target`. The message does not repeat it: it may hold a signature.
pub(crate) fn blob_uri(text: &str, target: &str) -> Result<Url, Rejection> {
    let url = Url::parse(text).ok().filter(|url| is_plain(text, url));
    url.ok_or_else(|| {
        let message = format!(
            "The value of parameter '{target}' is invalid. It should be the absolute http or https URI of a blob, in plain ASCII and without a user name."
        );
        Rejection::invalid(target, message)
    })
}

/// Whether every reader understands the address alike: it prints as it was written (hostile spellings of hosts do not).
fn is_plain(text: &str, url: &Url) -> bool {
    let printed = url.as_str() == text || url.as_str().strip_suffix('/') == Some(text);
    let named = matches!(url.scheme(), "http" | "https") && url.has_host();
    named && printed && text.is_ascii() && url.fragment().is_none() && !text.contains(['\\', '@', ' '])
}

/// The address without what may be secret: scheme, host and path.
pub(crate) fn shown(uri: &Url) -> String {
    let mut shown = uri.clone();
    shown.set_query(None);
    shown.into()
}

/// The id in `text`, which stands at `path` of the properties of `subject` (`disk`).
pub(crate) fn id_at(text: &str, subject: &str, path: &str) -> Result<ResourceId, Rejection> {
    text.parse().map_err(|_shape: arm::ResourceIdError| {
        let shown: String = text.chars().take(260).collect();
        let message = format!(
            "Property id '{shown}' at path 'properties.{path}' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{{subscriptionId}}' or '/providers/{{resourceProviderNamespace}}/'."
        );
        Rejection::new(400, "LinkedInvalidPropertyId", message).at(format!("{subject}.properties.{path}"))
    })
}
