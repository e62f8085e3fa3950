//! What is asked of a guest, checked, and laid out on a disk.

use serde_json::json;

use crate::password::{Salt, hashed};
use crate::{fat, ovf, words};

/// The most that a user hands over as custom or user data (Azure's limit, decoded).
const MAX_DATA_BYTES: usize = 64 << 10;
/// The most keys, and the longest.
const MAX_KEYS: usize = 100;
const MAX_KEY_BYTES: usize = 16 << 10;
const MAX_PASSWORD_CHARS: usize = 256;
const KEY_TYPES: &[&str] =
    &["ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

/// What a guest is to become.
#[derive(Clone, PartialEq, Eq)]
pub struct Provisioning {
    /// New for each machine, or agents take the guest for one that was set up.
    pub instance_id: String,
    /// The name of the host.
    pub host_name: String,
    /// The name of the administrator.
    pub admin: String,
    /// Their password, and the salt it is hashed with; without one only keys open the door.
    pub password: Option<(String, Salt)>,
    /// Their public keys, a line each, for `authorized_keys`.
    pub ssh_keys: Vec<String>,
    /// Azure's custom data, decoded: run or merged if an agent knows its form, and kept in a file.
    pub custom_data: Option<Vec<u8>>,
    /// Where the guest says that it is ready, by HTTP.
    pub phone_home: Option<String>,
}

impl std::fmt::Debug for Provisioning {
    /// Without what is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provisioning")
            .field("instance_id", &self.instance_id)
            .field("host_name", &self.host_name)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}

/// Which agents look for it: the label of the disk, and what else is on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Label `CIDATA`: cloud-init.
    NoCloud,
    /// Label `config-2`: cloudbase-init and older images.
    ConfigDrive,
}

/// Why a guest cannot be asked for that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value breaks a rule; the text says which and how.
    #[error("{0}")]
    Invalid(String),
    /// All values together are too much for a seed.
    #[error("what the guest is to be told does not fit into its seed of {} MiB; shorten the custom data", fat::BYTES >> 20)]
    TooLarge,
}

impl Provisioning {
    /// The seed disk, [`fat::BYTES`] long.
    pub fn disk(&self, kind: Kind) -> Result<Vec<u8>, Error> {
        self.check()?;
        let mut files = vec![fat::File::new("ovf-env.xml", ovf::environment(self).into_bytes())];
        let label = match kind {
            Kind::NoCloud => {
                files.push(fat::File::new("meta-data", words::yaml(&self.meta_data()).into_bytes()));
                files.push(fat::File::new("user-data", self.user_data()));
                "CIDATA"
            }
            Kind::ConfigDrive => {
                let meta_data = self.config_drive_meta_data().to_string().into_bytes();
                files.push(fat::File::new("openstack/latest/meta_data.json", meta_data));
                files.push(fat::File::new("openstack/latest/user_data", self.user_data()));
                "config-2"
            }
        };
        fat::disk(label, &files).ok_or(Error::TooLarge)
    }

    /// Refuses values that no guest should see.
    pub fn check(&self) -> Result<(), Error> {
        ensure(is_name(&self.instance_id, 64, "-_."), || {
            "the instance id may have letters, digits and -_.".to_owned()
        })?;
        ensure(
            is_name(&self.host_name, 63, "-")
                && !self.host_name.starts_with('-')
                && !self.host_name.ends_with('-'),
            || {
                format!(
                    "{:?} is no host name: want 1 to 63 letters, digits and inner hyphens",
                    self.host_name
                )
            },
        )?;
        let begins = self.admin.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        ensure(begins && is_name(&self.admin, 32, "-_.") && self.admin != "root", || {
            format!(
                "{:?} is no name for an administrator: want a letter, then up to 31 letters, digits and -_.",
                self.admin
            )
        })?;
        if let Some((password, _)) = &self.password {
            let fits = (1..=MAX_PASSWORD_CHARS).contains(&password.chars().count());
            ensure(fits && !password.chars().any(char::is_control), || {
                format!("the password must have 1 to {MAX_PASSWORD_CHARS} characters and none that control")
            })?;
        }
        ensure(self.ssh_keys.len() <= MAX_KEYS, || format!("more than {MAX_KEYS} SSH keys"))?;
        for (index, key) in self.ssh_keys.iter().enumerate() {
            ensure(is_key(key), || {
                format!(
                    "SSH key {index} is none: want one line, a type ({}), then base64",
                    KEY_TYPES.join(", ")
                )
            })?;
        }
        let length = self.custom_data.as_ref().map_or(0, Vec::len);
        ensure(length <= MAX_DATA_BYTES, || {
            format!("custom data of {length} bytes: want at most {MAX_DATA_BYTES}")
        })?;
        let calls = self.phone_home.as_deref().unwrap_or("http://x/");
        let plain = calls.chars().all(|one| one.is_ascii_alphanumeric() || "-._~:/?&=".contains(one));
        ensure(calls.starts_with("http://") && plain && calls.len() <= 1024, || {
            "the address to phone home to must be http:// and plain".to_owned()
        })
    }

    fn meta_data(&self) -> serde_json::Value {
        json!({"instance-id": self.instance_id, "local-hostname": self.host_name})
    }

    fn config_drive_meta_data(&self) -> serde_json::Value {
        let keys = self.ssh_keys.iter().enumerate().map(|(index, key)| (format!("key{index}"), json!(key)));
        json!({
            "uuid": self.instance_id,
            "hostname": self.host_name,
            "name": self.host_name,
            "public_keys": serde_json::Value::Object(keys.collect()),
            "meta": {"admin_username": self.admin},
        })
    }

    /// Our wishes, then the user's: theirs add to lists and replace nothing.
    fn user_data(&self) -> Vec<u8> {
        let ours = format!("#cloud-config\n{}\n", words::yaml(&self.cloud_config()));
        let custom = self.custom_data.as_deref().and_then(|data| Some((words::content_type(data)?, data)));
        words::multipart(ours.as_bytes(), custom)
    }

    fn cloud_config(&self) -> serde_json::Value {
        let mut user = json!({
            "name": self.admin,
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
            "shell": "/bin/bash",
            "lock_passwd": self.password.is_none(),
            "ssh_authorized_keys": self.ssh_keys,
        });
        if let Some((password, salt)) = &self.password {
            user["hashed_passwd"] = json!(hashed(password, salt));
        }
        let mut config = json!({
            "users": [user],
            "hostname": self.host_name,
            "manage_etc_hosts": true,
            "ssh_pwauth": self.password.is_some(),
        });
        if let Some(data) = &self.custom_data {
            config["write_files"] = json!([{
                "path": "/var/lib/waagent/CustomData",
                "encoding": "b64",
                "permissions": "0600",
                "content": words::base64(data),
            }]);
        }
        if let Some(url) = &self.phone_home {
            config["phone_home"] =
                json!({"url": url, "post": ["instance_id", "hostname", "pub_key_ed25519"], "tries": 5});
        }
        config
    }
}

fn is_name(text: &str, longest: usize, also: &str) -> bool {
    let fits = (1..=longest).contains(&text.len());
    fits && text.chars().all(|one| one.is_ascii_alphanumeric() || also.contains(one))
}

fn is_key(key: &str) -> bool {
    let mut parts = key.split(' ');
    let known = parts.next().is_some_and(|kind| KEY_TYPES.contains(&kind));
    let body = parts.next().unwrap_or_default();
    let coded =
        !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    known && coded && key.len() <= MAX_KEY_BYTES && !key.chars().any(char::is_control)
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Invalid(problem())) }
}
