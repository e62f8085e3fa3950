//! What the versions of everything in a gallery have in common: where they are published, how far that is, how it
//! is told, and the bytes behind addresses.
//!
//! Image versions, application versions, access control profile versions and script versions differ in their
//! words, which an [`Artifact`] holds.

pub(super) mod encryption;
pub(super) mod links;
pub(super) mod placement;
pub(super) mod publishing;
pub(super) mod replication;
pub(super) mod safety;
pub(super) mod show;
pub(super) mod wire;
pub(super) mod work;

use arm::VersionName;

use crate::{Put, Rejection, State};

/// The words of one kind of version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Artifact {
    /// The first word of error targets: `galleryImageVersion`.
    pub(super) subject: &'static str,
    /// As sentences begin: `Gallery image version`.
    pub(super) title: &'static str,
    /// The list of target regions below `properties`: `publishingProfile.targetRegions`.
    pub(super) regions: &'static str,
    /// Whether each region has a number of replicas and a kind of storage of its own.
    pub(super) counts_replicas: bool,
}

impl Artifact {
    /// In the middle of a sentence, without the gallery: `image version`.
    fn short(&self) -> String {
        let words = self.title.strip_prefix("Gallery ").unwrap_or(self.title);
        words.to_ascii_lowercase()
    }

    /// A place below `properties`, for errors.
    pub(super) fn target(&self, path: &str) -> String {
        format!("{}.properties.{path}", self.subject)
    }

    /// The name of the list of target regions where it stands.
    pub(super) fn list(&self) -> &'static str {
        self.regions.rsplit('.').next().unwrap_or(self.regions)
    }

    pub(super) fn check_name(&self, name: &str) -> Result<(), Rejection> {
        let parsed = name.parse::<VersionName>();
        parsed
            .map(drop)
            .map_err(|error| Rejection::invalid(format!("{}.name", self.subject), error.to_string()))
    }

    /// Numbers order versions: 1.0.10 after 1.0.2.
    pub(super) fn sort_key(name: &str) -> String {
        name.parse::<VersionName>().map_or_else(|_text| name.to_ascii_lowercase(), VersionName::sort_key)
    }

    pub(super) fn is_not_going_away(&self, put: &Put<'_>) -> Result<(), Rejection> {
        match put.current {
            Some(current) if current.document.state == State::Deleting => {
                let message = format!(
                    "{} '{}' cannot be updated since it is marked for deletion. Wait until it is gone, then create it anew.",
                    self.title,
                    put.id.name()
                );
                Err(Rejection::conflict("OperationNotAllowed", message))
            }
            _ => Ok(()),
        }
    }

    /// 400 for what must be said and is not.
    pub(super) fn missing(&self, path: &str) -> Rejection {
        let target = self.target(path);
        Rejection::invalid(&target, format!("Required parameter '{target}' is missing (null)."))
    }
}
