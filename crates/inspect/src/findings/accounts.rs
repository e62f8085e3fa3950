//! Who can get into every machine made of the image.

use std::collections::HashSet;

use super::{Evidence, Hit, Look, Rule, Scene, Scope, Severity, hits};
use crate::facts::{Password, Scheme, User, accounts};
use crate::guest::{joined, settings};
use crate::tree::Error;

const fn rule(
    id: &'static str,
    severity: Severity,
    title: &'static str,
    remedy: &'static str,
    look: fn(&Scene<'_>) -> Result<Option<Vec<Hit>>, Error>,
) -> Rule {
    Rule { id, severity, scope: Scope::Linux, title, remedy, look: Look::With(look) }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "ACC-PASSWORD",
        Severity::Error,
        "An account has a password that holds on every machine made of the image.",
        "passwd --lock NAME, or usermod --password '!*' NAME to drop the hash as well",
        passwords,
    ),
    rule(
        "ACC-EMPTY-PASSWORD",
        Severity::Error,
        "An account lets anybody in without a password.",
        "passwd --lock NAME",
        |scene| {
            users(scene, |user| user.password == Password::Empty && user.has_shell(), "asks for no password")
        },
    ),
    rule(
        "ACC-WEAK-HASH",
        Severity::Warning,
        "A password is hashed in a way that is broken today.",
        "Set ENCRYPT_METHOD YESCRYPT in /etc/login.defs and change the password.",
        |scene| {
            let is_weak = |user: &User| {
                matches!(user.password, Password::Hash(Scheme::Weak) | Password::LockedHash(Scheme::Weak))
            };
            users(scene, is_weak, "has a hash of a weak kind")
        },
    ),
    rule("ACC-UID0", Severity::Error, "An account besides root is root.", "userdel NAME", |scene| {
        users(scene, |user| user.uid == 0 && user.name != "root", "has the number 0")
    }),
    rule(
        "ACC-USERS",
        Severity::Warning,
        "Accounts of people are left.",
        "userdel --remove NAME; or waagent -force -deprovision+user",
        |scene| {
            if !scene.is_template() {
                return Ok(None);
            }
            users(scene, User::is_human, "belongs to a person")
        },
    ),
    rule(
        "ACC-DUP",
        Severity::Warning,
        "Two accounts share a number or a name.",
        "Give each its own.",
        doubles,
    ),
    rule(
        "SEC-AUTHKEYS",
        Severity::Error,
        "A public key opens every machine made of the image.",
        "rm -f /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys",
        authorized_keys,
    ),
    rule(
        "SSH-ROOT",
        Severity::Warning,
        "sshd lets in by password.",
        "Set PasswordAuthentication no, PermitRootLogin prohibit-password and PermitEmptyPasswords no.",
        sshd,
    ),
    rule(
        "SSH-KEEPALIVE",
        Severity::Info,
        "sshd keeps no connection alive; load balancers cut idle ones.",
        "Set ClientAliveInterval 180 in /etc/ssh/sshd_config.",
        |scene| {
            let Some(sshd) = settings_of_sshd(scene)? else { return Ok(None) };
            let seconds =
                sshd.get("clientaliveinterval").and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
            let words = || Evidence::at("/etc/ssh/sshd_config", format!("ClientAliveInterval is {seconds}"));
            hits((!(30..=235).contains(&seconds)).then(words))
        },
    ),
    rule(
        "HRD-SUDO-NOPASSWD",
        Severity::Error,
        "An account becomes root without a password.",
        "rm -f /etc/sudoers.d/90-cloud-init-users, or take NOPASSWD: ALL out of the rule",
        sudo,
    ),
    rule(
        "S-USABLE",
        Severity::Warning,
        "The image is declared to be one machine, and nobody can log in to it.",
        "Give an account a key or a password before capturing the machine.",
        nobody_can_log_in,
    ),
];

fn users(scene: &Scene<'_>, is_meant: fn(&User) -> bool, what: &str) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("users")?;
    let meant = scene.facts.users.iter().filter(|user| is_meant(user));
    hits(meant.map(|user| Evidence::at("/etc/passwd", format!("{} {what}", user.name))))
}

fn passwords(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("users")?;
    let hit = |user: &User| {
        let evidence = |what| Evidence::at("/etc/shadow", format!("{} {what}", user.name));
        match user.password {
            Password::Hash(_) if scene.is_template() => Some(evidence("has a password").into()),
            Password::Hash(_) => Some(evidence("has a password").rated(Severity::Warning)),
            Password::LockedHash(_) => {
                Some(evidence("is locked, but the hash of its password is kept").rated(Severity::Warning))
            }
            Password::Locked | Password::Empty => None,
        }
    };
    Ok(Some(scene.facts.users.iter().filter_map(hit).collect()))
}

fn doubles(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("users")?;
    let (mut names, mut numbers) = (HashSet::new(), HashSet::new());
    let mut found = Vec::new();
    for user in &scene.facts.users {
        let new_number = numbers.insert(user.uid) || user.uid == 0;
        if !names.insert(&user.name) || !new_number {
            found.push(Evidence::at("/etc/passwd", format!("{} ({}) is there twice", user.name, user.uid)));
        }
    }
    hits(found)
}

fn authorized_keys(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    scene.knows("users")?;
    let guest = scene.guest()?;
    let mut homes: Vec<String> = vec!["/root".to_owned()];
    homes.extend(scene.facts.users.iter().map(|user| user.home.clone()).filter(|home| home.len() > 1));
    homes.sort();
    homes.dedup();
    let mut paths = Vec::new();
    for home in homes {
        for name in [&b".ssh/authorized_keys"[..], b".ssh/authorized_keys2"] {
            paths.push(joined(home.as_bytes(), name));
        }
    }
    paths.extend(guest.entries("/etc/ssh", |name| name.starts_with(b"authorized_keys"))?);
    paths.push(b"/etc/dropbear/authorized_keys".to_vec());
    let mut found = Vec::new();
    for path in paths {
        let count = accounts::public_keys(&guest.file(&path)?.unwrap_or_default());
        if count > 0 {
            let words = format!("holds {count} public key{}", if count == 1 { "" } else { "s" });
            let evidence = Evidence::at(&path, words);
            found.push(if scene.is_template() { evidence.into() } else { evidence.rated(Severity::Info) });
        }
    }
    Ok(Some(found))
}

type Settings = std::collections::BTreeMap<String, String>;

fn settings_of_sshd<'s>(scene: &'s Scene<'_>) -> Result<Option<&'s Settings>, Error> {
    scene.knows("sshd")?;
    Ok(Some(&scene.facts.sshd).filter(|sshd| !sshd.is_empty()))
}

fn sshd(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let Some(sshd) = settings_of_sshd(scene)? else { return Ok(None) };
    let value = |name: &str| sshd.get(name).map(|value| value.to_lowercase()).unwrap_or_default();
    let mut found = Vec::new();
    if value("permitrootlogin") == "yes" {
        found.push(Evidence::at("/etc/ssh/sshd_config", "PermitRootLogin is yes").into());
    }
    if value("permitemptypasswords") == "yes" {
        let words = Evidence::at("/etc/ssh/sshd_config", "PermitEmptyPasswords is yes");
        found.push(words.rated(Severity::Error));
    }
    // Passwords are let in where nothing is said.
    if value("passwordauthentication") != "no" {
        found.push(Evidence::at("/etc/ssh/sshd_config", "PasswordAuthentication is yes").into());
    }
    Ok(Some(found))
}

fn sudo(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    let mut found = Vec::new();
    for (path, text) in accounts::sudo_rules(scene.guest()?)? {
        for line in settings(&text).filter(|line| accounts::gives_everything(line)) {
            let who = crate::text::plain(line.split(u8::is_ascii_whitespace).next().unwrap_or_default());
            let evidence = Evidence::at(&path, format!("{who} may do everything"));
            // The agent makes this rule for its user, and makes it anew on each machine.
            let is_of_agent = path.ends_with(b"/90-cloud-init-users") || path.ends_with(b"/waagent");
            found.push(if is_of_agent { evidence.rated(Severity::Warning) } else { evidence.into() });
        }
    }
    Ok(Some(found))
}

fn nobody_can_log_in(scene: &Scene<'_>) -> Result<Option<Vec<Hit>>, Error> {
    if scene.is_template() {
        return Ok(None);
    }
    scene.knows("users")?;
    let can =
        |user: &User| user.has_shell() && (user.key_count > 0 || matches!(user.password, Password::Hash(_)));
    let nobody = !scene.facts.users.iter().any(can);
    hits(nobody.then(|| Evidence::at("/etc/shadow", "no account has a password or a key")))
}
