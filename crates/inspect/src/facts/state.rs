//! Whether the image is one machine's or anybody's: what makes a machine unique, and what of it is there.

use serde::{Deserialize, Serialize};

use crate::guest::Guest;
use crate::text::plain;
use crate::tree::{Error, NodeKind};

/// Whether machines made of the image are new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OsState {
    /// Nothing in it belongs to one machine.
    Generalized,
    /// It is one machine, identity and all.
    Specialized,
    /// Some of a machine's identity is there, some is not.
    Mixed,
}

impl OsState {
    /// As the wire spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Generalized => "Generalized",
            Self::Specialized => "Specialized",
            Self::Mixed => "Mixed",
        }
    }
}

/// Something that makes a machine unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Signal {
    /// What it is.
    pub kind: SignalKind,
    /// Where it stands.
    pub path: String,
}

/// Kinds of [`Signal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignalKind {
    /// The number by which systemd and D-Bus know a machine.
    MachineId,
    /// Keys by which ssh clients know a machine.
    SshHostKey,
    /// What cloud-init or the Azure agent noted about the machine they set up.
    InstanceData,
    /// Windows' own note that set-up has ended.
    WindowsComplete,
}

/// What the signals come to.
pub(super) fn of(signals: &[Signal]) -> OsState {
    let has = |kind| signals.iter().any(|signal| signal.kind == kind);
    if has(SignalKind::WindowsComplete)
        || (has(SignalKind::MachineId) && (has(SignalKind::SshHostKey) || has(SignalKind::InstanceData)))
    {
        OsState::Specialized
    } else if signals.is_empty() {
        OsState::Generalized
    } else {
        OsState::Mixed
    }
}

/// What there is of an identity in a Linux.
pub(super) fn linux(guest: &Guest<'_>) -> Result<Vec<Signal>, Error> {
    let mut signals = Vec::new();
    let mut add = |kind, path: &[u8]| signals.push(Signal { kind, path: plain(path) });
    let copy = "/var/lib/dbus/machine-id";
    // A link to the other file is not a second number.
    let copied = guest.node_itself(copy)?.is_some_and(|node| node.kind == NodeKind::File);
    for path in ["/etc/machine-id"].into_iter().chain(copied.then_some(copy)) {
        if guest.file(path)?.is_some_and(|text| is_machine_id(&text)) {
            add(SignalKind::MachineId, path.as_bytes());
        }
    }
    for path in host_keys(guest)? {
        add(SignalKind::SshHostKey, &path);
    }
    for path in instance_data(guest)? {
        add(SignalKind::InstanceData, &path);
    }
    Ok(signals)
}

/// 32 hexadecimal digits, not all zero; "uninitialized" and an empty file are none (machine-id(5)).
fn is_machine_id(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.len() == 32 && text.iter().all(u8::is_ascii_hexdigit) && text.iter().any(|digit| *digit != b'0')
}

/// Private host keys of OpenSSH and Dropbear that are not empty.
fn host_keys(guest: &Guest<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let mut keys =
        guest.entries("/etc/ssh", |name| name.starts_with(b"ssh_host_") && name.ends_with(b"_key"))?;
    keys.extend(guest.entries("/etc/dropbear", |name| name.ends_with(b"_host_key"))?);
    let mut found = Vec::new();
    for path in keys {
        if guest.find(&path)?.is_some_and(|(_, node)| node.kind == NodeKind::File && node.size_bytes > 0) {
            found.push(path);
        }
    }
    Ok(found)
}

fn instance_data(guest: &Guest<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = guest.entries("/var/lib/cloud/instances", |_| true)?;
    for path in [
        "/var/lib/cloud/instance",
        "/var/lib/cloud/data/instance-id",
        "/var/lib/waagent/provisioned",
        "/var/lib/waagent/ovf-env.xml",
    ] {
        if guest.node_itself(path)?.is_some() {
            found.push(path.as_bytes().to_vec());
        }
    }
    Ok(found)
}
