//! What makes a Linux easy to enter or hard to run in a cloud, without being wrong: settings, agents, services, repositories.

use super::{Evidence, Hit, Look, Rule, Scene, Scope, Severity, hits, pattern};
use crate::facts::{Agent, User, agents};
use crate::guest::settings;
use crate::packages::{Ecosystem, compare_versions};
use crate::text::plain;
use crate::tree::{Error, NodeKind};

type Told = Result<Option<Vec<Hit>>, Error>;

const fn rule(
    id: &'static str,
    severity: Severity,
    title: &'static str,
    remedy: &'static str,
    look: fn(&Scene<'_>) -> Told,
) -> Rule {
    Rule { id, severity, scope: Scope::Linux, title, remedy, look: Look::With(look) }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "ACC-SYSTEM-SHELL",
        Severity::Info,
        "An account of a service has a shell.",
        "usermod --shell /usr/sbin/nologin NAME",
        system_shells,
    ),
    rule(
        "AGT-CONSOLE-TOOLS",
        Severity::Info,
        "Agents that platforms talk to are not installed.",
        "apt-get install hyperv-daemons qemu-guest-agent",
        missing_helpers,
    ),
    rule(
        "AGT-RESOURCEDISK",
        Severity::Warning,
        "cloud-init and the Azure agent both format the scratch disk.",
        "Set ResourceDisk.Format=n and ResourceDisk.EnableSwap=n in /etc/waagent.conf.",
        scratch_disk,
    ),
    rule(
        "AGT-VERSION",
        Severity::Warning,
        "An agent is older than the platform supports.",
        "Update cloud-init (21.2 or newer) and the Azure agent (2.2.53.1 or newer).",
        old_agents,
    ),
    rule(
        "HRD-PERMS",
        Severity::Error,
        "Files that only root may read or change are open to others.",
        "chmod 640 /etc/shadow /etc/gshadow; chmod 644 /etc/passwd /etc/group; chmod 440 /etc/sudoers",
        open_files,
    ),
    rule(
        "HRD-PRELOAD",
        Severity::Warning,
        "A library is loaded into every program.",
        "Look at /etc/ld.so.preload, and delete it.",
        |scene| left(scene, &["/etc/ld.so.preload"], "is loaded into every program"),
    ),
    rule(
        "HRD-SERVICES",
        Severity::Warning,
        "A service starts that sends passwords in the clear.",
        "systemctl disable --now NAME",
        plain_services,
    ),
    rule(
        "PKG-REPOS",
        Severity::Warning,
        "Packages are installed without proof of who made them.",
        "Remove trusted=yes and allow-insecure=yes; set gpgcheck=1.",
        repositories,
    ),
    rule("SSH-SERVER", Severity::Info, "No ssh server starts.", "systemctl enable ssh", ssh_server),
];

fn left(scene: &Scene<'_>, places: &[&str], what: &str) -> Told {
    let found = pattern::files(scene.guest()?, &scene.homes(), places)?;
    hits(found.into_iter().map(|(path, _)| Evidence::at(path, what)))
}

fn system_shells(scene: &Scene<'_>) -> Told {
    scene.knows("users")?;
    let is_meant = |user: &&User| user.uid != 0 && user.uid < 1000 && user.has_shell();
    let users = scene.facts.users.iter().filter(is_meant);
    hits(users.map(|user| Evidence::at("/etc/passwd", format!("{} has {}", user.name, user.shell))))
}

fn missing_helpers(scene: &Scene<'_>) -> Told {
    scene.knows("agents")?;
    let has = |name: &str| scene.facts.agents.iter().any(|agent| agent.name == name);
    let missing = ["hyperv-daemons", "qemu-guest-agent"].into_iter().filter(|name| !has(name));
    hits(missing.map(|name| Evidence::words(format!("{name} is not installed"))))
}

fn scratch_disk(scene: &Scene<'_>) -> Told {
    let has = |name: &str| scene.facts.agents.iter().any(|agent| agent.name == name);
    if !has("cloud-init") || !has("waagent") {
        return Ok(None);
    }
    let mut found = Vec::new();
    for name in ["ResourceDisk.Format", "ResourceDisk.EnableSwap"] {
        if agents::waagent_setting(scene.guest()?, name)?.is_some_and(|value| value == "y") {
            found.push(Evidence::at("/etc/waagent.conf", format!("{name} is y")));
        }
    }
    hits(found)
}

/// The oldest versions that are supported.
const OLDEST: &[(&str, &str)] = &[("cloud-init", "21.2"), ("waagent", "2.2.53.1")];

fn old_agents(scene: &Scene<'_>) -> Told {
    scene.knows("agents")?;
    let is_old = |agent: &&Agent| {
        let oldest = OLDEST.iter().find(|(name, _)| *name == agent.name);
        let is_older = |oldest: &str| compare_versions(Ecosystem::Deb, &agent.version, oldest).is_lt();
        !agent.version.is_empty() && oldest.is_some_and(|(_, oldest)| is_older(oldest))
    };
    let old = scene.facts.agents.iter().filter(is_old);
    hits(old.map(|agent| Evidence::words(format!("{} is {}", agent.name, agent.version))))
}

/// Files, and the permissions that nobody but owner and group should have.
const CLOSED: &[(&str, u32)] = &[
    ("/etc/shadow", 0o027),
    ("/etc/gshadow", 0o027),
    ("/etc/shadow-", 0o027),
    ("/etc/passwd", 0o022),
    ("/etc/group", 0o022),
    ("/etc/sudoers", 0o022),
    ("/etc/ssh/sshd_config", 0o022),
    ("/etc/crontab", 0o022),
    ("/root/.ssh/authorized_keys", 0o022),
];

fn open_files(scene: &Scene<'_>) -> Told {
    let guest = scene.guest()?;
    let mut found = Vec::new();
    for (path, forbidden) in CLOSED {
        let Some((_, node)) = guest.find(path)? else { continue };
        if node.kind == NodeKind::File && node.mode & forbidden != 0 {
            found.push(Evidence::at(path, format!("has the permissions {:03o}", node.mode & 0o777)));
        }
    }
    hits(found)
}

/// Starts of the names of units and services.
const PLAIN: &[&str] =
    &["telnet", "inetutils-telnetd", "rsh", "rlogin", "rexec", "tftp", "vsftpd", "xinetd", "ypbind"];

fn plain_services(scene: &Scene<'_>) -> Told {
    scene.knows("services")?;
    let is_plain = |unit: &&String| PLAIN.iter().any(|start| unit.starts_with(start));
    let units = scene.facts.services.iter().filter(is_plain);
    hits(units.map(|unit| Evidence::words(format!("{unit} starts by itself"))))
}

fn repositories(scene: &Scene<'_>) -> Told {
    const PLACES: &[&str] = &[
        "/etc/apt/sources.list",
        "/etc/apt/sources.list.d/*",
        "/etc/dnf/dnf.conf",
        "/etc/yum.conf",
        "/etc/yum.repos.d/*.repo",
        "/etc/zypp/repos.d/*.repo",
        "/etc/pacman.conf",
    ];
    const WORDS: &[&str] = &[
        "trusted=yes",
        "trusted:yes",
        "allow-insecure=yes",
        "allow-insecure:yes",
        "gpgcheck=0",
        "siglevel=never",
        "siglevel=optionaltrustall",
    ];
    let guest = scene.guest()?;
    let mut found = Vec::new();
    for (path, _) in pattern::files(guest, &[], PLACES)? {
        let text = guest.file(&path)?.unwrap_or_default();
        for line in settings(&text) {
            let line = plain(line).to_lowercase().replace(' ', "");
            if let Some(word) =
                WORDS.iter().find(|word| line.contains(*word) && !line.starts_with("repo_gpg"))
            {
                found.push(Evidence::at(&path, format!("says {word}")));
            }
        }
    }
    hits(found)
}

fn ssh_server(scene: &Scene<'_>) -> Told {
    scene.knows("services")?;
    let is_server = |unit: &String| ["ssh.", "sshd", "dropbear"].iter().any(|start| unit.starts_with(start));
    let starts = scene.facts.services.iter().any(is_server);
    hits((!starts && !scene.facts.services.is_empty()).then(|| {
        Evidence::words("neither ssh nor sshd nor dropbear is among the services that start by themselves")
    }))
}
