//! What the making of an image leaves behind: histories, logs, caches, mail, dumps.

use super::{Evidence, Hit, Look, Rule, Scene, Scope, Severity, hits, pattern};
use crate::tree::Error;

const fn left(
    id: &'static str,
    severity: Severity,
    title: &'static str,
    remedy: &'static str,
    places: &'static [&'static str],
) -> Rule {
    Rule { id, severity, scope: Scope::LinuxTemplate, title, remedy, look: Look::Left(places) }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HYG-HISTORY",
        severity: Severity::Warning,
        scope: Scope::Linux,
        title: "The history of a shell tells what was typed, passwords among it.",
        remedy: "rm -f /root/.bash_history /home/*/.bash_history; history -c",
        look: Look::With(histories),
    },
    left(
        "HYG-TOOL-HISTORY",
        Severity::Info,
        "Histories of programs are left.",
        "rm -f ~/.python_history ~/.mysql_history ~/.psql_history ~/.lesshst ~/.viminfo ~/.wget-hsts",
        &[
            "~/.python_history",
            "~/.mysql_history",
            "~/.psql_history",
            "~/.sqlite_history",
            "~/.lesshst",
            "~/.viminfo",
            "~/.wget-hsts",
            "~/.node_repl_history",
            "~/.rediscli_history",
            "~/.ssh/known_hosts",
        ],
    ),
    Rule {
        id: "HYG-LOGS",
        severity: Severity::Warning,
        scope: Scope::LinuxTemplate,
        title: "Logs of another machine are left.",
        remedy: "find /var/log -type f -exec truncate -s 0 {} +; rm -rf /var/log/journal/*",
        look: Look::With(logs),
    },
    left(
        "HYG-INSTALLER",
        Severity::Warning,
        "Files of the installer are left; they may hold password hashes.",
        "rm -f /root/anaconda-ks.cfg /root/original-ks.cfg /root/initial-setup-ks.cfg; rm -rf /var/log/installer",
        &[
            "/root/anaconda-ks.cfg",
            "/root/original-ks.cfg",
            "/root/initial-setup-ks.cfg",
            "/root/install.log*",
            "/var/log/anaconda/**",
            "/var/log/installer/**",
        ],
    ),
    left(
        "HYG-CRASH",
        Severity::Warning,
        "Dumps of crashed programs are left; they hold their memory.",
        "rm -rf /var/crash/* /var/lib/systemd/coredump/*",
        &[
            "/var/crash/**",
            "/var/log/dump/*",
            "/var/spool/abrt/**",
            "/var/lib/systemd/coredump/*",
            "/var/lib/apport/coredump/*",
        ],
    ),
    left(
        "HYG-CRON",
        Severity::Warning,
        "Jobs of users are left.",
        "rm -f /var/spool/cron/crontabs/* /var/spool/at/*",
        &[
            "/var/spool/cron/crontabs/*",
            "/var/spool/cron/root",
            "/var/spool/at/*",
            "/var/spool/cron/atjobs/*",
        ],
    ),
    left(
        "HYG-MAIL",
        Severity::Warning,
        "Mail is left.",
        "rm -f /var/mail/* /var/spool/mail/*",
        &["/var/mail/*", "/var/spool/mail/*"],
    ),
    left(
        "HYG-TMP",
        Severity::Info,
        "Temporary files are left.",
        "rm -rf /tmp/* /var/tmp/*",
        &["/tmp/**", "/var/tmp/**"],
    ),
    left(
        "HYG-BACKUP",
        Severity::Info,
        "Backups of account files are left; they may hold hashes that are gone from the files themselves.",
        "rm -f /etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid-",
        &[
            "/etc/passwd-",
            "/etc/shadow-",
            "/etc/group-",
            "/etc/gshadow-",
            "/etc/subuid-",
            "/etc/subgid-",
            "/etc/*.bak",
            "/etc/*.orig",
            "/etc/*~",
            "/etc/ssh/*.bak",
            "/etc/ssh/*~",
            "~/*.bak",
            "~/*~",
            "~/.*.swp",
        ],
    ),
    left(
        "HYG-PKGCACHE",
        Severity::Info,
        "Downloaded packages take up space.",
        "apt-get clean; dnf clean all; zypper clean --all",
        &[
            "/var/cache/apt/archives/*.deb",
            "/var/cache/dnf/**",
            "/var/cache/yum/**",
            "/var/cache/zypp/packages/**",
            "/var/cache/apk/*.apk",
            "/var/cache/pacman/pkg/*",
        ],
    ),
    left(
        "HYG-ACCT",
        Severity::Info,
        "Accounting of another machine's processes is left.",
        "rm -f /var/account/pacct* /var/log/account/*",
        &["/var/account/pacct*", "/var/log/account/*"],
    ),
    left(
        "HYG-CA",
        Severity::Warning,
        "Private files of a certificate authority are left.",
        "rm -rf /etc/pki/CA/private/*",
        &["/etc/pki/CA/private/*", "/etc/ssl/CA/private/*", "/etc/easy-rsa/pki/private/*"],
    ),
    left(
        "HYG-SERVICES",
        Severity::Info,
        "Data of services is left.",
        "Delete what the services of another machine have gathered.",
        &[
            "/var/lib/docker/containers/**",
            "/var/lib/etcd/**",
            "/var/lib/libvirt/dnsmasq/*.leases",
            "/var/lib/mysql/*.err",
            "/var/lib/puppet/state/*",
            "/var/spool/squid/*",
        ],
    ),
    Rule {
        id: "HYG-OTHER-HYPERVISOR",
        severity: Severity::Info,
        scope: Scope::Linux,
        title: "Tools of another hypervisor are installed.",
        remedy: "apt-get purge open-vm-tools; dnf remove open-vm-tools",
        look: Look::With(|scene| {
            let others = scene.facts.agents.iter().filter(|agent| agent.name == "open-vm-tools");
            hits(others.map(|agent| Evidence::words(format!("{} is installed", agent.name))))
        }),
    },
];

/// Marketplace images may hold no history of more than a kibibyte.
const MUCH_HISTORY: u64 = 1024;

fn histories(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    const PLACES: &[&str] = &[
        "~/.bash_history",
        "~/.zsh_history",
        "~/.ash_history",
        "~/.sh_history",
        "~/.history",
        "~/.local/share/fish/fish_history",
    ];
    let found = pattern::files(scene.guest()?, &scene.homes(), PLACES)?;
    let hit = |(path, size_bytes)| {
        let evidence =
            Evidence { length_bytes: Some(size_bytes), ..Evidence::at(path, "is a shell's history") };
        if size_bytes > MUCH_HISTORY { evidence.rated(Severity::Error) } else { Hit::from(evidence) }
    };
    Ok(Some(found.into_iter().map(hit).collect()))
}

/// Logs of package managers are made by every build, and say nothing about a machine.
const BUILD_LOGS: &[&[u8]] = &[
    b"dpkg.log",
    b"alternatives.log",
    b"bootstrap.log",
    b"apt/",
    b"dnf",
    b"yum.log",
    b"hawkey.log",
    b"zypp",
    b"zypper.log",
    b"pacman.log",
    b"apk.log",
    b"fontconfig.log",
    b"README",
];

fn logs(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let found = pattern::files(scene.guest()?, &[], &["/var/log/**"])?;
    let is_of_build = |path: &[u8]| {
        let name = path.strip_prefix(b"/var/log/").unwrap_or(path);
        BUILD_LOGS.iter().any(|known| name.starts_with(known))
    };
    let hit = |(path, size_bytes): (Vec<u8>, u64)| {
        let of_build = is_of_build(&path);
        let evidence = Evidence { length_bytes: Some(size_bytes), ..Evidence::at(path, "is not empty") };
        if of_build { evidence.rated(Severity::Info) } else { Hit::from(evidence) }
    };
    Ok(Some(found.into_iter().map(hit).collect()))
}
