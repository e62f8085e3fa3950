//! What must not be in an image that many machines are made of: one machine's identity, and what it learnt.
//!
//! Places after WALinuxAgent's deprovisioning, `cloud-init clean` and the manuals of the programs themselves.

use super::{Evidence, Hit, Look, Rule, Scene, Scope, Severity, hits};
use crate::facts::{SignalKind, agents};
use crate::guest::settings;
use crate::text::plain;
use crate::tree::{Error, NodeKind};

const fn left(
    id: &'static str,
    severity: Severity,
    title: &'static str,
    remedy: &'static str,
    places: &'static [&'static str],
) -> Rule {
    Rule { id, severity, scope: Scope::LinuxTemplate, title, remedy, look: Look::Left(places) }
}

const fn with(
    id: &'static str,
    severity: Severity,
    title: &'static str,
    remedy: &'static str,
    look: fn(&Scene<'_>) -> Result<Option<Vec<Hit>>, Error>,
) -> Rule {
    Rule { id, severity, scope: Scope::LinuxTemplate, title, remedy, look: Look::With(look) }
}

pub(super) const RULES: &[Rule] = &[
    with(
        "GEN-MACHINE-ID",
        Severity::Error,
        "Every machine made of the image has the same machine id.",
        "truncate -s 0 /etc/machine-id; ln -sf /etc/machine-id /var/lib/dbus/machine-id",
        |scene| signals(scene, SignalKind::MachineId, "holds a machine id"),
    ),
    with(
        "GEN-SSH-HOSTKEYS",
        Severity::Error,
        "Every machine made of the image has the same ssh host keys.",
        "rm -f /etc/ssh/ssh_host_*",
        |scene| signals(scene, SignalKind::SshHostKey, "is a private host key"),
    ),
    with(
        "GEN-CLOUDINIT-INSTANCE",
        Severity::Error,
        "What an agent noted about another machine is left; it may take a new machine for that one.",
        "cloud-init clean --logs --seed; waagent -force -deprovision",
        |scene| signals(scene, SignalKind::InstanceData, "belongs to an instance"),
    ),
    left(
        "GEN-CLOUDINIT-SEED",
        Severity::Warning,
        "Orders for cloud-init are baked in; they go before those of the platform.",
        "rm -rf /var/lib/cloud/seed /etc/cloud/cloud.cfg.d/99-installer.cfg /etc/cloud/cloud.cfg.d/subiquity-*",
        &[
            "/var/lib/cloud/seed/**",
            "/etc/cloud/cloud.cfg.d/99-installer.cfg",
            "/etc/cloud/cloud.cfg.d/90-installer-network.cfg",
            "/etc/cloud/cloud.cfg.d/subiquity-*",
        ],
    ),
    left(
        "GEN-CLOUDINIT-NET",
        Severity::Warning,
        "Network configuration made for another machine is left.",
        "cloud-init clean --configs all",
        &[
            "/etc/netplan/50-cloud-init.yaml",
            "/etc/network/interfaces.d/50-cloud-init*",
            "/etc/systemd/network/10-cloud-init-*.network",
            "/etc/NetworkManager/system-connections/cloud-init-*",
            "/etc/NetworkManager/conf.d/99-cloud-init.conf",
            "/etc/NetworkManager/conf.d/30-cloud-init-ip6-addr-gen-mode.conf",
            "/etc/ssh/sshd_config.d/50-cloud-init.conf",
        ],
    ),
    left(
        "GEN-WAAGENT-STATE",
        Severity::Error,
        "The Azure agent's state of another machine is left.",
        "waagent -force -deprovision",
        &["/var/lib/waagent/**"],
    ),
    left(
        "GEN-RANDOM-SEED",
        Severity::Warning,
        "Every machine made of the image begins with the same random seed.",
        "rm -f /var/lib/systemd/random-seed /var/lib/urandom/random-seed /boot/efi/loader/random-seed",
        &[
            "/var/lib/systemd/random-seed",
            "/var/lib/systemd/credential.secret",
            "/var/lib/urandom/random-seed",
            "/var/lib/random-seed",
            "/var/lib/seedrng/seed.*",
            "/etc/random.seed",
            "/boot/efi/loader/random-seed",
            "/efi/loader/random-seed",
            "/boot/loader/random-seed",
        ],
    ),
    left(
        "GEN-DHCP-LEASES",
        Severity::Warning,
        "DHCP leases of another machine are left.",
        "rm -f /var/lib/dhcp/* /var/lib/dhclient/* /var/lib/dhcpcd/* /var/lib/NetworkManager/*.lease",
        &[
            "/var/lib/dhcp/*.leases",
            "/var/lib/dhcp/*.lease",
            "/var/lib/dhclient/*",
            "/var/lib/dhcpcd/*",
            "/var/lib/dhcpcd5/*",
            "/var/lib/NetworkManager/*.lease",
            "/var/lib/systemd/network/*",
        ],
    ),
    left(
        "GEN-NM-SECRET",
        Severity::Warning,
        "NetworkManager's identity of another machine is left.",
        "rm -f /var/lib/NetworkManager/{secret_key,seen-bssids,timestamps}",
        &[
            "/var/lib/NetworkManager/secret_key",
            "/var/lib/NetworkManager/seen-bssids",
            "/var/lib/NetworkManager/timestamps",
            "/etc/NetworkManager/system-connections/*.nmconnection",
        ],
    ),
    with(
        "GEN-PERSISTENT-NET",
        Severity::Error,
        "Names of network interfaces are bound to another machine's addresses.",
        "rm -f /etc/udev/rules.d/70-persistent-net.rules",
        persistent_net,
    ),
    with(
        "NET-STATIC",
        Severity::Error,
        "A network interface has a fixed address; new machines get theirs by DHCP.",
        "Configure the interface for DHCP.",
        static_address,
    ),
    with(
        "GEN-HOSTNAME",
        Severity::Warning,
        "The image carries a machine's host name.",
        "echo localhost > /etc/hostname",
        host_name,
    ),
    with(
        "GEN-RESOLV",
        Severity::Info,
        "Name servers of another network are left.",
        "truncate -s 0 /etc/resolv.conf",
        name_servers,
    ),
    left(
        "GEN-LVM-DEVICES",
        Severity::Warning,
        "LVM is bound to the disks of another machine.",
        "rm -f /etc/lvm/devices/system.devices",
        &["/etc/lvm/devices/system.devices"],
    ),
    left(
        "GEN-UUIDS",
        Severity::Info,
        "Identifiers of another machine are left.",
        "Remove the files; their programs make new ones.",
        &[
            "/var/lib/yum/uuid",
            "/etc/sysconfig/hw-uuid",
            "/etc/smolt/*",
            "/etc/iscsi/initiatorname.iscsi",
            "/etc/nvme/hostid",
            "/etc/nvme/hostnqn",
            "/var/lib/ubuntu-advantage/private/*",
            "/etc/salt/minion_id",
            "/etc/salt/pki/minion/*",
            "/etc/puppetlabs/puppet/ssl/**",
            "/var/lib/puppet/ssl/**",
            "/etc/docker/key.json",
            "/var/lib/kubelet/pki/*",
            "/var/lib/tailscale/*.state",
            "/etc/hostid",
            "/etc/chef/client.pem",
            "/etc/telegraf/telegraf.d/hostid*",
            "/opt/datadog-agent/run/*",
            "/var/lib/amazon/ssm/registration",
            "/var/lib/landscape/client/*",
        ],
    ),
    left(
        "GEN-REGISTRATION",
        Severity::Warning,
        "A subscription of another machine is left.",
        "subscription-manager clean; SUSEConnect --cleanup",
        &[
            "/etc/pki/consumer/*",
            "/etc/pki/entitlement/*",
            "/var/lib/rhsm/**",
            "/etc/sysconfig/rhn/systemid",
            "/etc/sysconfig/rhn/osad-auth.conf",
            "/etc/zypp/credentials.d/SCCcredentials",
            "/etc/SUSEConnect",
        ],
    ),
    left(
        "GEN-DIRECTORY",
        Severity::Error,
        "The image is a member of a directory.",
        "realm leave; rm -f /etc/krb5.keytab",
        &[
            "/etc/krb5.keytab",
            "/etc/ipa/default.conf",
            "/etc/sssd/sssd.conf",
            "/var/lib/sss/db/*.ldb",
            "/var/lib/samba/private/secrets.tdb",
            "/var/lib/ipa-client/sysrestore/*",
        ],
    ),
    left(
        "GEN-PACMAN-KEY",
        Severity::Warning,
        "Every machine made of the image has the same pacman master key.",
        "rm -rf /etc/pacman.d/gnupg",
        &["/etc/pacman.d/gnupg/private-keys-v1.d/*", "/etc/pacman.d/gnupg/secring.gpg"],
    ),
    with(
        "AGT-MISSING",
        Severity::Error,
        "Nothing in the image gives a new machine its user and keys.",
        "Install cloud-init or the Azure agent.",
        agent_is_missing,
    ),
    with(
        "AGT-ENABLED",
        Severity::Error,
        "The agent that gives a new machine its user does not start.",
        "systemctl enable cloud-init-local cloud-init cloud-config cloud-final; rm -f /etc/cloud/cloud-init.disabled",
        agent_is_off,
    ),
    with(
        "AGT-DATASOURCE",
        Severity::Warning,
        "cloud-init does not look where the platform leaves its orders.",
        "Set datasource_list in /etc/cloud/cloud.cfg.d to [ Azure, NoCloud, ConfigDrive ].",
        datasources,
    ),
];

fn signals(scene: &Scene<'_>, kind: SignalKind, what: &str) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("osState")?;
    let of_kind = scene.facts.identity.iter().filter(|signal| signal.kind == kind);
    hits(of_kind.map(|signal| Evidence::at(&signal.path, what)))
}

fn persistent_net(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let guest = scene.guest()?;
    let mut found = Vec::new();
    let mut look = |path: &[u8], words: &[&[u8]]| -> Result<(), Error> {
        let text = guest.file(path)?.unwrap_or_default();
        if settings(&text).any(|line| words.iter().any(|word| memchr::memmem::find(line, word).is_some())) {
            found.push(Evidence::at(path, "binds a name to a hardware address"));
        }
        Ok(())
    };
    for path in
        guest.entries("/etc/udev/rules.d", |name| memchr::memmem::find(name, b"persistent-net").is_some())?
    {
        look(&path, &[b"ATTR{address}", b"ATTRS{address}", b"KERNELS"])?;
    }
    for path in guest.entries("/etc/systemd/network", |name| name.ends_with(b".link"))? {
        look(&path, &[b"MACAddress="])?;
    }
    for path in guest.entries("/etc/netplan", |name| name.ends_with(b".yaml"))? {
        look(&path, &[b"macaddress:"])?;
    }
    for path in guest.entries("/etc/sysconfig/network-scripts", |name| name.starts_with(b"ifcfg-"))? {
        look(&path, &[b"HWADDR=", b"MACADDR="])?;
    }
    hits(found)
}

fn static_address(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let guest = scene.guest()?;
    let mut found = Vec::new();
    let mut look = |path: &[u8], is_fixed: fn(&[u8]) -> bool| -> Result<(), Error> {
        let text = guest.file(path)?.unwrap_or_default();
        if settings(&text).any(is_fixed) {
            found.push(Evidence::at(path, "gives an interface a fixed address"));
        }
        Ok(())
    };
    for path in guest.entries("/etc/sysconfig/network-scripts", |name| {
        name.starts_with(b"ifcfg-") && name != b"ifcfg-lo"
    })? {
        look(&path, |line| line.starts_with(b"IPADDR"))?;
    }
    let mut interfaces = vec![b"/etc/network/interfaces".to_vec()];
    interfaces.extend(guest.entries("/etc/network/interfaces.d", |_| true)?);
    for path in interfaces {
        look(&path, |line| {
            line.starts_with(b"iface") && line.ends_with(b"static") && !line.starts_with(b"iface lo ")
        })?;
    }
    for path in guest.entries("/etc/systemd/network", |name| name.ends_with(b".network"))? {
        look(&path, |line| line.starts_with(b"Address="))?;
    }
    for path in guest.entries("/etc/NetworkManager/system-connections", |_| true)? {
        look(&path, |line| line == b"method=manual")?;
    }
    for path in guest.entries("/etc/netplan", |name| name.ends_with(b".yaml"))? {
        look(&path, |line| line.starts_with(b"addresses:") && line.iter().any(u8::is_ascii_digit))?;
    }
    hits(found)
}

/// Names that installers and image builders give before a machine has its own.
const NEUTRAL: &[&str] = &[
    "",
    "localhost",
    "localhost.localdomain",
    "debian",
    "ubuntu",
    "fedora",
    "alpine",
    "archlinux",
    "centos",
    "rocky",
    "almalinux",
    "rhel",
    "sles",
    "opensuse",
    "(none)",
    "linux",
];

fn host_name(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let text = scene.guest()?.file("/etc/hostname")?.unwrap_or_default();
    let name = settings(&text).next().map(plain).unwrap_or_default();
    let is_neutral = NEUTRAL.contains(&name.to_lowercase().as_str());
    hits((!is_neutral).then(|| Evidence::at("/etc/hostname", format!("says {name}"))))
}

fn name_servers(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let guest = scene.guest()?;
    let is_own = guest.node_itself("/etc/resolv.conf")?.is_some_and(|node| node.kind == NodeKind::File);
    let text = if is_own { guest.file("/etc/resolv.conf")?.unwrap_or_default() } else { Vec::new() };
    let is_set = settings(&text).any(|line| line.starts_with(b"nameserver"));
    hits(is_set.then(|| Evidence::at("/etc/resolv.conf", "names servers")))
}

fn agent_is_missing(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("agents")?;
    let is_missing = scene.facts.provisioners().next().is_none();
    hits(
        is_missing.then(|| {
            Evidence::words("neither cloud-init nor the Azure agent nor one of their kind was found")
        }),
    )
}

fn agent_is_off(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("agents")?;
    scene.knows("services")?;
    let mut agents = scene.facts.provisioners().peekable();
    if agents.peek().is_none() {
        return Ok(None);
    }
    if scene.facts.provisioners().any(|agent| agent.enabled) {
        return Ok(Some(Vec::new()));
    }
    hits(agents.map(|agent| match &agent.switched_off_by {
        Some(switch) => Evidence::words(format!("{} is switched off by {switch}", agent.name)),
        None => Evidence::words(format!("{} is installed, but nothing starts it", agent.name)),
    }))
}

fn datasources(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    if !scene.facts.agents.iter().any(|agent| agent.name == "cloud-init") {
        return Ok(None);
    }
    let Some(list) = agents::datasources(scene.guest()?)? else { return Ok(Some(Vec::new())) };
    let knows = |name: &str| list.iter().any(|known| known.eq_ignore_ascii_case(name));
    let words = || Evidence::at("/etc/cloud", format!("datasource_list is [ {} ]", list.join(", ")));
    if list.iter().all(|name| name.eq_ignore_ascii_case("None")) {
        return Ok(Some(vec![words().rated(Severity::Error)]));
    }
    hits((!knows("Azure") && !knows("NoCloud") && !knows("ConfigDrive")).then(words))
}
