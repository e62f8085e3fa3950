//! Where the bytes of one disk come from: as the rules name it, and as a job reads it.
//!
//! The address of a blob is stored and shown without its query, which is where signatures are; only the job sees it
//! whole.

use arm::ResourceId;
use serde_json::{Value, json};
use url::Url;

use crate::storage::blob::own_blob;
use crate::{Link, Put, Rejection};

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
    /// A page blob in a storage account of this installation, by its row; its address as the client wrote it.
    OwnBlob(ResourceId, Url),
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
            Self::OwnBlob(id, uri) => json!({"kind": "ownBlob", "id": id.to_string(), "uri": shown(uri)}),
            Self::Snapshot(id) => of("snapshot", id),
            Self::Upload(id) => of("upload", id),
            Self::Version { id, lun: None } => of("version", id),
            Self::Version { id, lun: Some(lun) } => {
                json!({"kind": "version", "id": id.to_string(), "lun": lun})
            }
        }
    }
}

impl Source {
    /// The blob behind `uri`: a row of ours, when the account that the client names is ours.
    pub(crate) fn of_blob(
        put: &Put<'_>,
        account: Option<&ResourceId>,
        uri: Url,
        target: &str,
    ) -> Result<Self, Rejection> {
        let named = account.and_then(|account| Some((account, own_blob(account, uri.as_str())?)));
        match named {
            Some((_, blob)) if put.linked.contains_key(&blob.key()) => Ok(Self::OwnBlob(blob, uri)),
            Some((account, _)) if put.linked.contains_key(&account.key()) => {
                let message = format!(
                    "The source blob '{}' is not found in the storage account '{}'.",
                    shown(&uri),
                    account.name()
                );
                Err(Rejection::new(404, "ResourceNotFound", message).at(target))
            }
            _ => Ok(Self::Blob(uri)),
        }
    }

    /// The address of a blob, as it is shown.
    pub(crate) fn shown_uri(&self) -> Option<String> {
        match self {
            Self::Blob(uri) | Self::OwnBlob(_, uri) => Some(shown(uri)),
            _ => None,
        }
    }
}

/// What an address points at when it leads into a storage account: the blob and the account, if they are ours.
pub(crate) fn links_of_blob(account: &ResourceId, uri: &str, target: &str) -> Vec<Link> {
    let Some(blob) = own_blob(account, uri) else { return Vec::new() };
    let link =
        |id: ResourceId, action: &str| Link { id, target: target.to_owned(), action: action.to_owned() };
    vec![
        link(account.clone(), "Microsoft.Storage/storageAccounts/read"),
        link(blob, "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"),
    ]
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

/// An update keeps the address of a blob; the blob when it comes with another signature than what stands.
pub(in crate::compute) fn blob_is_kept(
    asked: Option<&str>,
    stands: Option<&str>,
    target: &str,
) -> Result<Option<Source>, Rejection> {
    match (asked, stands) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(Rejection::change(target)),
        (Some(asked), Some(stands)) => {
            let uri = blob_uri(asked, target)?;
            if shown(&uri) != stands {
                return Err(Rejection::change(target));
            }
            // What a GET shows has no signature and says nothing new.
            Ok((asked != stands).then_some(Source::Blob(uri)))
        }
    }
}
