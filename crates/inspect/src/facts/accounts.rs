//! Who may log in: `passwd`, `shadow`, `sudoers`, and the keys in their homes.
//!
//! A password hash is never kept: only whether there is one, and of what kind.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::guest::{Guest, joined, lines, settings};
use crate::text::plain;
use crate::tree::Error;

/// Accounts that are told; systems with more come from a directory.
const MOST_USERS: usize = 10_000;

/// What stands in the password field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "scheme")]
pub enum Password {
    /// None can be right.
    Locked,
    /// Locked, but the hash is still there.
    LockedHash(Scheme),
    /// A hash: whoever knows the password is let in.
    Hash(Scheme),
    /// No password is asked for.
    Empty,
}

/// How a password is hashed (crypt(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scheme {
    /// yescrypt, gost-yescrypt, scrypt.
    Yescrypt,
    /// SHA-512 or SHA-256.
    Sha2,
    /// bcrypt.
    Bcrypt,
    /// MD5, DES and other schemes that are broken today.
    Weak,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Where its files are.
    pub home: String,
    /// What it runs on login.
    pub shell: String,
    /// Whether it has a password.
    pub password: Password,
    /// Public keys that let it in.
    pub key_count: usize,
    /// Whether `sudo` lets it become root without a password.
    pub sudo_without_password: bool,
}

impl User {
    /// Whether logging in leads to a shell.
    #[must_use]
    pub fn has_shell(&self) -> bool {
        let shell = self.shell.rsplit('/').next().unwrap_or_default();
        !matches!(shell, "nologin" | "false" | "sync" | "halt" | "shutdown" | "true")
    }

    /// Whether it belongs to a person, by the usual range of numbers (login.defs).
    #[must_use]
    pub fn is_human(&self) -> bool {
        (1000..=60_000).contains(&self.uid) && self.has_shell()
    }
}

pub(super) fn read(guest: &Guest<'_>) -> Result<Vec<User>, Error> {
    let Some(passwd) = guest.file("/etc/passwd")? else { return Ok(Vec::new()) };
    let shadow = guest.file("/etc/shadow")?.unwrap_or_default();
    let hashes = shadow_fields(&shadow);
    let free = sudo_without_password(guest)?;
    let mut users = Vec::new();
    for line in lines(&passwd).take(MOST_USERS) {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
        let [name, own, uid, _, _, home, shell, ..] = fields.as_slice() else { continue };
        let Some(uid) = std::str::from_utf8(uid).ok().and_then(|uid| uid.parse().ok()) else { continue };
        let stated = if *own == b"x" { hashes.get(name).copied().unwrap_or(b"*") } else { own };
        let keys = match guest.file(joined(home, b".ssh/authorized_keys")) {
            Ok(keys) => keys.unwrap_or_default(),
            // The home may be anything at all; the finding about keys tells what could not be read.
            Err(_unread) => Vec::new(),
        };
        users.push(User {
            name: plain(name),
            uid,
            home: plain(home),
            shell: if shell.is_empty() { "/bin/sh".to_owned() } else { plain(shell) },
            password: password(stated),
            key_count: public_keys(&keys),
            sudo_without_password: free.contains(*name),
        });
    }
    Ok(users)
}

/// The password fields of `shadow` by name; the first line of a name counts.
fn shadow_fields(shadow: &[u8]) -> HashMap<&[u8], &[u8]> {
    let mut fields = HashMap::new();
    for line in lines(shadow).take(MOST_USERS) {
        let mut parts = line.split(|byte| *byte == b':');
        if let (Some(name), Some(field)) = (parts.next(), parts.next()) {
            fields.entry(name).or_insert(field);
        }
    }
    fields
}

/// What the second field of `shadow` says (shadow(5)).
pub(super) fn password(field: &[u8]) -> Password {
    if field.is_empty() {
        return Password::Empty;
    }
    let bare = field
        .iter()
        .position(|byte| *byte != b'!')
        .map_or(&b""[..], |at| field.get(at..).unwrap_or_default());
    match (scheme(bare), bare.len() == field.len()) {
        (Some(scheme), true) => Password::Hash(scheme),
        (Some(scheme), false) => Password::LockedHash(scheme),
        (None, _) => Password::Locked,
    }
}

fn scheme(hash: &[u8]) -> Option<Scheme> {
    let is_des = |hash: &[u8]| {
        hash.len() == 13
            && hash.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
    };
    match hash {
        [b'$', b'y' | b'7', b'$', ..] | [b'$', b'g', b'y', b'$', ..] => Some(Scheme::Yescrypt),
        [b'$', b'5' | b'6', b'$', ..] => Some(Scheme::Sha2),
        [b'$', b'2', ..] => Some(Scheme::Bcrypt),
        [b'$', _, ..] => Some(Scheme::Weak),
        other if is_des(other) || other.first() == Some(&b'_') && other.len() == 20 => Some(Scheme::Weak),
        _ => None,
    }
}

/// How many public keys a file in the form of `authorized_keys` names (sshd(8)); options may stand before a key.
pub(crate) fn public_keys(text: &[u8]) -> usize {
    settings(text).filter(|line| is_public_key(line)).count()
}

fn is_public_key(line: &[u8]) -> bool {
    const KINDS: &[&[u8]] = &[b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    let words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    words.windows(2).any(|pair| {
        let [kind, key] = pair else { return false };
        KINDS.iter().any(|known| kind.starts_with(known)) && key.starts_with(b"AAAA") && key.len() >= 40
    })
}

/// Names of users whom a rule lets do everything as anybody without a password (sudoers(5)).
fn sudo_without_password(guest: &Guest<'_>) -> Result<HashSet<Vec<u8>>, Error> {
    let mut names = HashSet::new();
    for (_, text) in sudo_rules(guest)? {
        for line in settings(&text).filter(|line| gives_everything(line)) {
            let who = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            names.insert(who.to_vec());
        }
    }
    Ok(names)
}

/// A file's path and what stands in it.
type PathAndText = (Vec<u8>, Vec<u8>);

/// The files of rules for `sudo`, those that it skips left out.
pub(crate) fn sudo_rules(guest: &Guest<'_>) -> Result<Vec<PathAndText>, Error> {
    let mut paths = vec![b"/etc/sudoers".to_vec()];
    paths.extend(guest.entries("/etc/sudoers.d", |name| !name.contains(&b'.') && !name.ends_with(b"~"))?);
    let mut rules = Vec::new();
    for path in paths {
        if let Some(text) = guest.file(&path)? {
            rules.push((path, text));
        }
    }
    Ok(rules)
}

/// Whether a line is `who where=(whom) NOPASSWD: ALL`.
pub(crate) fn gives_everything(line: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(line, b"NOPASSWD:") else { return false };
    let before = line.get(..at).unwrap_or_default();
    let what = line.get(at + b"NOPASSWD:".len()..).unwrap_or_default().trim_ascii();
    before.contains(&b'=') && what.split(|byte| *byte == b',').any(|command| command.trim_ascii() == b"ALL")
}
