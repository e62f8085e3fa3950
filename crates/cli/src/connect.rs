//! Which server, and as whom: a data folder, flags, the environment, or a profile.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use server::home::Connection;

/// Where the server is and how to sign in. Give --data for a server on this machine.
#[derive(Args, Clone, Debug)]
pub(crate) struct Connect {
    /// The data folder of a server on this machine; its connection.json says the rest.
    #[arg(long, value_name = "FOLDER", env = "GALLERIST_DATA")]
    data: Option<PathBuf>,
    /// A file like connection.json, or its name in ~/.config/gallerist/profiles (without .json).
    #[arg(long, value_name = "NAME", env = "GALLERIST_PROFILE", conflicts_with = "data")]
    profile: Option<String>,
    /// The server's address, `https://host:port`.
    #[arg(long, value_name = "URL", env = "GALLERIST_ENDPOINT")]
    endpoint: Option<String>,
    /// The certificate to trust, PEM; the system's certificates without it.
    #[arg(long, value_name = "FILE", env = "GALLERIST_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// The tenant to sign in to.
    #[arg(long, value_name = "GUID", env = "GALLERIST_TENANT_ID")]
    tenant_id: Option<String>,
    /// The subscription to work in.
    #[arg(long, value_name = "GUID", env = "GALLERIST_SUBSCRIPTION_ID")]
    subscription_id: Option<String>,
    /// The client to sign in as.
    #[arg(long, value_name = "GUID", env = "GALLERIST_CLIENT_ID")]
    client_id: Option<String>,
    /// A file with the client's secret; or set GALLERIST_CLIENT_SECRET.
    #[arg(long, value_name = "FILE", env = "GALLERIST_CLIENT_SECRET_FILE")]
    client_secret_file: Option<PathBuf>,
}

/// A server and an identity, complete.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) endpoint: String,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) tenant_id: String,
    pub(crate) subscription_id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl From<Connection> for Peer {
    fn from(connection: Connection) -> Self {
        Self {
            endpoint: connection.arm_endpoint.to_string(),
            ca_file: Some(connection.ca_file),
            tenant_id: connection.tenant_id.to_string(),
            subscription_id: connection.subscription_id.to_string(),
            client_id: connection.client_id.to_string(),
            client_secret: connection.client_secret.expose().to_owned(),
        }
    }
}

impl Connect {
    /// The server meant: a data folder or profile, with flags over it.
    ///
    /// # Errors
    /// When something is missing; the message names it.
    pub(crate) fn peer(&self) -> anyhow::Result<Peer> {
        let known = match (&self.data, &self.profile) {
            (Some(data), _) => Some(Peer::from(Connection::read(data)?)),
            (None, Some(name)) => Some(profile(name)?),
            (None, None) => None,
        };
        let secret = match (&self.client_secret_file, std::env::var("GALLERIST_CLIENT_SECRET")) {
            (Some(file), _) => Some(
                std::fs::read_to_string(file)
                    .context("cannot read the client secret file")?
                    .trim()
                    .to_owned(),
            ),
            (None, Ok(secret)) => Some(secret),
            (None, Err(_)) => None,
        };
        let pick = |flag: &Option<String>, known: Option<&String>, name: &str| {
            let value = flag.clone().or_else(|| known.cloned());
            value.with_context(|| {
                format!("no {name} is known; give --data FOLDER, --profile NAME, or --{name}")
            })
        };
        let known = known.as_ref();
        let peer = Peer {
            endpoint: pick(&self.endpoint, known.map(|peer| &peer.endpoint), "endpoint")?,
            ca_file: self.ca_file.clone().or_else(|| known.and_then(|peer| peer.ca_file.clone())),
            tenant_id: pick(&self.tenant_id, known.map(|peer| &peer.tenant_id), "tenant-id")?,
            subscription_id: pick(
                &self.subscription_id,
                known.map(|peer| &peer.subscription_id),
                "subscription-id",
            )?,
            client_id: pick(&self.client_id, known.map(|peer| &peer.client_id), "client-id")?,
            client_secret: pick(&secret, known.map(|peer| &peer.client_secret), "client-secret-file")?,
        };
        if !peer.endpoint.starts_with("https://") {
            bail!("the endpoint must begin with https://");
        }
        Ok(Peer { endpoint: peer.endpoint.trim_end_matches('/').to_owned(), ..peer })
    }
}

fn profile(name: &str) -> anyhow::Result<Peer> {
    let file = if name.contains('/') || name.to_ascii_lowercase().ends_with(".json") {
        PathBuf::from(name)
    } else {
        let home = std::env::var_os("HOME")
            .context("HOME is not set; give the profile's file instead of its name")?;
        PathBuf::from(home).join(".config/gallerist/profiles").join(format!("{name}.json"))
    };
    let text = std::fs::read(&file).with_context(|| format!("cannot read the profile '{name}'"))?;
    let connection: Connection = serde_json::from_slice(&text)
        .with_context(|| format!("the profile '{name}' is not like a connection.json"))?;
    Ok(connection.into())
}
