//! Who people and programs are: the directory, the token issuer, and the check of every token.
//!
//! Secrets are kept as hashes; tokens are signed with one key of our own that outlives restarts; and
//! only what the directory holds at the time of a request is anybody.

mod directory;
mod jwt;
mod keys;
mod oauth;
mod refusal;
mod routes;
mod secret;
mod tenancy;
mod throttle;
mod token;
mod verifier;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::sync::Arc;

use control::{Clock, Ids};
use tokio::sync::Semaphore;

pub use self::directory::{Directory, ServicePrincipal, Subscription, Tenant, User};
use self::keys::SigningKey;
pub use self::routes::router;
pub use self::secret::{Entropy, HashedSecret, Origin, Secret, SystemEntropy};
pub use self::tenancy::Location;
use self::throttle::Throttle;
pub use self::verifier::{AuthError, Principal, PrincipalKind};
use crate::cloud::Endpoint;
use crate::home::{Connection, Error, Home};

/// Comparing secrets is slow by intent; so many may be under way at once.
const COMPARISONS_AT_ONCE: usize = 4;

/// The token issuer of one server.
pub struct Identity {
    endpoint: Endpoint,
    directory: Directory,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    throttle: Throttle,
    comparisons: Semaphore,
}

impl Identity {
    /// Opens the directory kept in `home`, founding it at the first start, and writes
    /// `connection.json` for a server reached at `endpoint`. The `subscriptions` are added to those it knows.
    ///
    /// When `connection.json` is gone or its secret no longer fits, the owner gets a new secret:
    /// whoever may write this folder is the owner already.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Io`] for the files; [`Error::Crypto`] without randomness.
    pub fn open(
        home: &Home,
        endpoint: Endpoint,
        subscriptions: &[Subscription],
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        entropy: &dyn Entropy,
    ) -> Result<Self, Error> {
        let (mut directory, secret) = owner_and_secret(home, ids.as_ref(), entropy)?;
        directory.include(subscriptions);
        // The secret first: a crash between the two writes leaves one that does not fit, and the
        // next start makes another.
        home.announce(&Connection {
            arm_endpoint: endpoint.clone(),
            ca_file: home.ca_file(),
            tenant_id: directory.tenant().id,
            subscription_id: directory.first_subscription().id,
            client_id: directory.owner().client_id,
            client_secret: secret,
        })?;
        directory.save(home.folder())?;
        Ok(Self {
            endpoint,
            directory,
            key: SigningKey::load_or_make(home.folder())?,
            clock,
            ids,
            throttle: Throttle::default(),
            comparisons: Semaphore::new(COMPARISONS_AT_ONCE),
        })
    }

    /// The address under which clients know this server.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Who exists.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }
}

/// The subscriptions in the directory of a data folder, as text; none before the first start.
///
/// # Errors
/// [`Error::Damaged`] or [`Error::Io`].
pub(crate) fn subscriptions_of(home: &Home) -> Result<Vec<String>, Error> {
    let directory = Directory::load(home.folder())?;
    let subscriptions = directory.iter().flat_map(Directory::subscriptions);
    Ok(subscriptions.map(|subscription| subscription.id.to_string()).collect())
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("endpoint", &self.endpoint)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

fn owner_and_secret(home: &Home, ids: &dyn Ids, entropy: &dyn Entropy) -> Result<(Directory, Secret), Error> {
    let Some(mut directory) = Directory::load(home.folder())? else {
        return Directory::found(ids, entropy);
    };
    let owner = directory.owner();
    let known = home
        .announced()?
        .filter(|connection| connection.client_id == owner.client_id)
        .map(|connection| connection.client_secret)
        .filter(|secret| owner.has_secret(secret));
    let secret = match known {
        Some(secret) => secret,
        None => directory.renew_owner_secret(entropy)?,
    };
    Ok((directory, secret))
}
