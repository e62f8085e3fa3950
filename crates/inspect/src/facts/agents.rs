//! Who makes a new machine out of the image: cloud-init, the Azure agent, and others.

use serde::{Deserialize, Serialize};

use crate::guest::{Guest, lines, settings};
use crate::packages::Package;
use crate::text::plain;
use crate::tree::Error;

/// An agent found in the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Its version, as its package tells; empty where no package does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Whether it gives a new machine its name, user and keys.
    pub provisions: bool,
    /// Whether it starts by itself.
    pub enabled: bool,
    /// What switches it off, if something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched_off_by: Option<String>,
}

/// Name, its program, packages, starts of the names of its units, whether it provisions.
type Known = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str], bool);

const KNOWN: &[Known] = &[
    (
        "cloud-init",
        &["/usr/bin/cloud-init", "/usr/local/bin/cloud-init"],
        &["cloud-init"],
        &["cloud-init", "cloud-config"],
        true,
    ),
    (
        "waagent",
        &["/usr/sbin/waagent", "/usr/bin/waagent"],
        &["waagent", "walinuxagent", "WALinuxAgent", "python-azure-agent"],
        &["waagent", "walinuxagent"],
        true,
    ),
    (
        "azure-init",
        &["/usr/bin/azure-init", "/usr/sbin/azure-init", "/var/lib/azure-init/azure-init"],
        &["azure-init"],
        &["azure-init"],
        true,
    ),
    (
        "ignition",
        &["/usr/bin/ignition", "/usr/lib/dracut/modules.d/30ignition/ignition", "/usr/libexec/ignition"],
        &["ignition"],
        &["ignition"],
        true,
    ),
    ("afterburn", &["/usr/bin/afterburn", "/usr/bin/coreos-metadata"], &["afterburn"], &["afterburn"], false),
    ("tiny-cloud", &["/usr/bin/tiny-cloud", "/sbin/tiny-cloud"], &["tiny-cloud"], &["tiny-cloud"], true),
    (
        "qemu-guest-agent",
        &["/usr/sbin/qemu-ga", "/usr/bin/qemu-ga"],
        &["qemu-guest-agent"],
        &["qemu-guest-agent"],
        false,
    ),
    (
        "hyperv-daemons",
        &["/usr/sbin/hv_kvp_daemon", "/usr/sbin/hypervkvpd"],
        &["hyperv-daemons"],
        &["hv-kvp-daemon", "hypervkvpd", "hv_kvp_daemon"],
        false,
    ),
    ("open-vm-tools", &["/usr/bin/vmtoolsd"], &["open-vm-tools"], &["open-vm-tools", "vmtoolsd"], false),
];

pub(super) fn read(
    guest: &Guest<'_>,
    packages: &[Package],
    enabled: &[String],
    command_line: &[String],
) -> Result<Vec<Agent>, Error> {
    let mut agents = Vec::new();
    for (name, programs, package_names, units, provisions) in KNOWN {
        let package = packages.iter().find(|package| package_names.contains(&package.name.as_str()));
        let mut is_there = package.is_some();
        for program in *programs {
            is_there = is_there || guest.exists(program)?;
        }
        if !is_there {
            continue;
        }
        let has_unit = enabled.iter().any(|unit| units.iter().any(|start| unit.starts_with(start)));
        let by_generator = *name == "cloud-init" && has_generator(guest)?;
        // Ignition is started by the initramfs, not by a unit of the root.
        let starts = has_unit || by_generator || *name == "ignition";
        let switched_off_by = switch(guest, name, command_line)?;
        agents.push(Agent {
            name: (*name).to_owned(),
            version: package.map(|package| package.version.clone()).unwrap_or_default(),
            provisions: *provisions,
            enabled: starts && switched_off_by.is_none(),
            switched_off_by,
        });
    }
    Ok(agents)
}

/// cloud-init's units are wanted by a target that its generator pulls in.
fn has_generator(guest: &Guest<'_>) -> Result<bool, Error> {
    for folder in ["/usr/lib/systemd/system-generators", "/lib/systemd/system-generators"] {
        if guest.exists(format!("{folder}/cloud-init-generator"))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What switches an installed agent off.
fn switch(guest: &Guest<'_>, agent: &str, command_line: &[String]) -> Result<Option<String>, Error> {
    match agent {
        "cloud-init" => {
            if guest.exists("/etc/cloud/cloud-init.disabled")? {
                return Ok(Some("/etc/cloud/cloud-init.disabled".to_owned()));
            }
            let policy = guest.file("/etc/cloud/ds-identify.cfg")?.unwrap_or_default();
            if settings(&policy).any(|line| line.starts_with(b"policy: disabled")) {
                return Ok(Some("/etc/cloud/ds-identify.cfg".to_owned()));
            }
            let off = command_line.iter().find(|word| word.as_str() == "cloud-init=disabled");
            Ok(off.map(|_| "cloud-init=disabled on the kernel's command line".to_owned()))
        }
        "waagent" => {
            let off = waagent_setting(guest, "Provisioning.Agent")?.is_some_and(|agent| agent == "disabled")
                || waagent_setting(guest, "Provisioning.Enabled")?.is_some_and(|enabled| enabled == "n");
            Ok(off.then(|| "/etc/waagent.conf".to_owned()))
        }
        _ => Ok(None),
    }
}

/// A value of `waagent.conf`, in lower case.
pub(crate) fn waagent_setting(guest: &Guest<'_>, name: &str) -> Result<Option<String>, Error> {
    let text = guest.file("/etc/waagent.conf")?.unwrap_or_default();
    let found = settings(&text).find_map(|line| {
        line.strip_prefix(name.as_bytes())?
            .strip_prefix(b"=")
            .map(|value| plain(value.trim_ascii()).to_lowercase())
    });
    Ok(found)
}

/// Where cloud-init looks for its orders: the last `datasource_list` of its configuration; none when it says nothing.
pub(crate) fn datasources(guest: &Guest<'_>) -> Result<Option<Vec<String>>, Error> {
    let mut found = None;
    let mut paths = vec![b"/etc/cloud/cloud.cfg".to_vec()];
    paths.extend(guest.entries("/etc/cloud/cloud.cfg.d", |name| name.ends_with(b".cfg"))?);
    for path in paths {
        let text = guest.file(&path)?.unwrap_or_default();
        let mut inside = false;
        for line in lines(&text) {
            if let Some(list) = line.strip_prefix(b"datasource_list:") {
                let list = plain(list.split(|byte| *byte == b'#').next().unwrap_or_default());
                let names = list.trim().trim_matches(['[', ']']).split(',');
                let names: Vec<String> =
                    names.map(|name| name.trim().trim_matches(['"', '\'']).to_owned()).collect();
                inside = names.iter().all(String::is_empty);
                found = Some(if inside { Vec::new() } else { names });
            } else if inside && let Some(name) = line.trim_ascii_start().strip_prefix(b"- ") {
                found.get_or_insert_default().push(plain(name.trim_ascii()));
            } else {
                inside = inside && line.first().is_none_or(u8::is_ascii_whitespace);
            }
        }
    }
    Ok(found)
}
