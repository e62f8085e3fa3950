//! The directory: the tenant, its subscriptions, and who may sign in.
//!
//! It never holds a secret, only hashes; the file `identity.json` is this structure.

use control::Ids;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::secret::{Entropy, HashedSecret, Origin, Secret};
use crate::home::{Error, Folder};

const FILE: &str = "identity.json";
const SCHEMA: u32 = 1;
const MOST_ENTRIES: usize = 10_000;

/// Everything the token issuer knows about people, programs and what they may bill to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Directory {
    schema: u32,
    tenant: Tenant,
    /// Never empty; the first is the one made at the first start.
    subscriptions: Vec<Subscription>,
    /// Never empty; the first is the owner.
    service_principals: Vec<ServicePrincipal>,
    #[serde(default)]
    users: Vec<User>,
}

/// An organisation: the realm in which names and tokens mean something.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tenant {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub display_name: String,
    /// What its users' names end in.
    pub domain: String,
}

/// What resources are counted under.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscription {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub display_name: String,
}

/// A program that signs in with a client secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServicePrincipal {
    /// What it signs in with.
    pub client_id: Uuid,
    /// What roles are assigned to.
    pub object_id: Uuid,
    /// What people call it.
    pub display_name: String,
    secret: HashedSecret,
}

/// A person who signs in with a password.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// What roles are assigned to.
    pub object_id: Uuid,
    /// The name to sign in with, `someone@domain`; compared without case.
    pub principal_name: String,
    /// What people call them.
    pub display_name: String,
    password: HashedSecret,
}

impl Directory {
    /// A new directory with one tenant, one subscription and the owner, and the owner's secret.
    ///
    /// # Errors
    /// [`Error::Crypto`] when there is no randomness.
    pub fn found(ids: &dyn Ids, entropy: &dyn Entropy) -> Result<(Self, Secret), Error> {
        let secret = Secret::random(entropy)?;
        let owner = ServicePrincipal {
            client_id: ids.uuid(),
            object_id: ids.uuid(),
            display_name: "owner".to_owned(),
            secret: HashedSecret::of(&secret, Origin::Made, entropy)?,
        };
        let directory = Self {
            schema: SCHEMA,
            tenant: Tenant {
                id: ids.uuid(),
                display_name: "Gallerist".to_owned(),
                domain: "gallerist.local".to_owned(),
            },
            subscriptions: vec![Subscription { id: ids.uuid(), display_name: "Gallerist".to_owned() }],
            service_principals: vec![owner],
            users: Vec::new(),
        };
        Ok((directory, secret))
    }

    /// Adds a person; `name` is what they sign in with.
    ///
    /// # Errors
    /// [`Error::Crypto`] when there is no randomness.
    pub fn add_user(
        &mut self,
        name: &str,
        password: &Secret,
        ids: &dyn Ids,
        entropy: &dyn Entropy,
    ) -> Result<(), Error> {
        self.users.push(User {
            object_id: ids.uuid(),
            principal_name: name.to_owned(),
            display_name: name.to_owned(),
            password: HashedSecret::of(password, Origin::Chosen, entropy)?,
        });
        Ok(())
    }

    /// Sees to it that these subscriptions are there, under these names. None is ever taken away by leaving it
    /// out: there may be resources in it.
    pub fn include(&mut self, subscriptions: &[Subscription]) {
        for wanted in subscriptions {
            match self.subscriptions.iter_mut().find(|known| known.id == wanted.id) {
                Some(known) => known.display_name.clone_from(&wanted.display_name),
                None => self.subscriptions.push(wanted.clone()),
            }
        }
    }

    /// The one tenant.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The tenant's subscriptions, the first made first.
    #[must_use]
    pub fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    /// The service principal made at the first start, who owns everything.
    #[must_use]
    pub fn owner(&self) -> &ServicePrincipal {
        &self.service_principals[0]
    }

    /// The subscription made at the first start.
    #[must_use]
    pub fn first_subscription(&self) -> &Subscription {
        &self.subscriptions[0]
    }

    /// The service principal that signs in with `client_id`.
    #[must_use]
    pub fn service_principal(&self, client_id: Uuid) -> Option<&ServicePrincipal> {
        self.service_principals.iter().find(|principal| principal.client_id == client_id)
    }

    /// The person who signs in as `name`, in any case.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.principal_name.eq_ignore_ascii_case(name))
    }

    /// The person with this object id.
    #[must_use]
    pub fn user_by_id(&self, object_id: Uuid) -> Option<&User> {
        self.users.iter().find(|user| user.object_id == object_id)
    }

    /// Gives the owner a new secret; the old one stops working.
    pub(crate) fn renew_owner_secret(&mut self, entropy: &dyn Entropy) -> Result<Secret, Error> {
        let secret = Secret::random(entropy)?;
        self.service_principals[0].secret = HashedSecret::of(&secret, Origin::Made, entropy)?;
        Ok(secret)
    }

    pub(crate) fn load(folder: &Folder) -> Result<Option<Self>, Error> {
        let Some(content) = folder.read_private(FILE)? else {
            return Ok(None);
        };
        let directory: Self =
            serde_json::from_slice(&content).map_err(|error| Error::damaged(FILE, error))?;
        directory.validate().map_err(|detail| Error::damaged(FILE, detail))?;
        Ok(Some(directory))
    }

    pub(crate) fn save(&self, folder: &Folder) -> Result<(), Error> {
        let content = serde_json::to_vec_pretty(self).map_err(|error| Error::damaged(FILE, error))?;
        folder.replace_private(FILE, &content)
    }

    fn validate(&self) -> Result<(), &'static str> {
        if self.schema != SCHEMA {
            return Err("it was written by another release");
        }
        if self.subscriptions.is_empty() || self.service_principals.is_empty() {
            return Err("it names no subscription or no service principal");
        }
        let entries = self.subscriptions.len() + self.service_principals.len() + self.users.len();
        if entries > MOST_ENTRIES {
            return Err("it holds more entries than are supported");
        }
        Ok(())
    }
}

impl ServicePrincipal {
    /// Whether `offered` is this principal's secret; costs processor time.
    #[must_use]
    pub fn has_secret(&self, offered: &Secret) -> bool {
        self.secret.is(offered)
    }

    pub(crate) fn secret_hash(&self) -> &HashedSecret {
        &self.secret
    }
}

impl User {
    pub(crate) fn password_hash(&self) -> &HashedSecret {
        &self.password
    }
}
