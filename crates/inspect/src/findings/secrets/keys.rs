//! Private keys: PEM, OpenSSH, PuTTY, OpenPGP, age, WireGuard.
//!
//! The words "BEGIN PRIVATE KEY" stand in many programs and manuals; a key is only what has a body that decodes.

use super::scan::{decoded, is_base64, places, run};
use super::{Secret, Severity};

pub(super) const PRIVATE_KEY: &str = "SEC-PRIVATE-KEY";
pub(super) const KEYTAB: &str = "SEC-KEYTAB";

/// Bytes that the smallest private key takes.
const LEAST_KEY_BYTES: usize = 32;
/// Bytes between the lines of a PEM text that are looked at.
const MOST_PEM_BYTES: usize = 64 << 10;

pub(super) fn find<'t>(path: &[u8], text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    if is_host_key(path) {
        // Rules about the identity of a machine speak of these.
        return;
    }
    pem(path, text, found);
    stores(path, text, found);
    for at in places(text, b"PuTTY-User-Key-File-") {
        let rest = text.get(at..text.len().min(at + MOST_PEM_BYTES)).unwrap_or_default();
        if memchr::memmem::find(rest, b"Private-Lines:").is_some() {
            let open = memchr::memmem::find(rest, b"Encryption: none").is_some();
            let severity = if open { Severity::Error } else { Severity::Warning };
            found.push(key("a PuTTY key", at, rest, severity));
        }
    }
    for at in places(text, b"AGE-SECRET-KEY-1") {
        let body = run(text, at, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if body.len() >= 70 {
            found.push(key("an age key", at, body, Severity::Error));
        }
    }
    if path.starts_with(b"/etc/wireguard/") {
        for at in places(text, b"PrivateKey") {
            let start = at + b"PrivateKey".len();
            let gap = run(text, start, |byte| matches!(byte, b' ' | b'=' | b'\t')).len();
            let body = run(text, start + gap, is_base64);
            if body.len() == 44 {
                found.push(key("a WireGuard key", start + gap, body, Severity::Error));
            }
        }
    }
}

/// Files of keys that are known by how they begin, and by their names: PKCS#12 (RFC 7292: a sequence that begins with
/// version 3), Java's key stores, keytabs (their format has the version 0x502).
fn stores<'t>(path: &[u8], text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_ascii_lowercase();
    // The same store holds the public certificates that Java trusts.
    let is_trust =
        memchr::memmem::find(&name, b"cacerts").is_some() || memchr::memmem::find(&name, b"trust").is_some();
    let is_pkcs12 = matches!(text, [0x30, 0x82, _, _, 2, 1, 3, 0x30, ..]);
    if is_pkcs12 && !is_trust {
        found.push(key("a PKCS#12 store of keys", 0, text, Severity::Warning));
    }
    if (text.starts_with(&[0xFE, 0xED, 0xFE, 0xED]) || text.starts_with(&[0xCE; 4])) && !is_trust {
        found.push(key("a Java store of keys", 0, text, Severity::Warning));
    }
    if text.starts_with(&[5, 2, 0, 0])
        && text.len() > 8
        && (name.ends_with(b"keytab") || name.ends_with(b".kt"))
    {
        found.push(Secret { rule: KEYTAB, ..key("a keytab", 0, text, Severity::Error) });
    }
}

fn key<'t>(what: &'static str, offset: usize, bytes: &'t [u8], severity: Severity) -> Secret<'t> {
    Secret { rule: PRIVATE_KEY, what, offset, bytes, severity }
}

fn is_host_key(path: &[u8]) -> bool {
    path.starts_with(b"/etc/ssh/ssh_host_") || path.starts_with(b"/etc/dropbear/")
}

fn pem<'t>(path: &[u8], text: &'t [u8], found: &mut Vec<Secret<'t>>) {
    const BEGIN: &[u8] = b"-----BEGIN ";
    for at in places(text, BEGIN) {
        let label_at = at + BEGIN.len();
        let label = run(text, label_at, |byte| byte.is_ascii_uppercase() || byte == b' ');
        let is_pgp = label.ends_with(b"PGP PRIVATE KEY BLOCK");
        if !label.ends_with(b"PRIVATE KEY") && !is_pgp {
            continue;
        }
        let rest = text.get(label_at + label.len()..).unwrap_or_default();
        let Some(rest) = rest.strip_prefix(b"-----") else { continue };
        let within = rest.get(..rest.len().min(MOST_PEM_BYTES)).unwrap_or_default();
        let Some(end) = memchr::memmem::find(within, b"-----END ") else { continue };
        let inside = within.get(..end).unwrap_or_default();
        let Some((body, headers)) = body(inside) else { continue };
        let is_encrypted = label.starts_with(b"ENCRYPTED")
            || memchr::memmem::find(&headers, b"ENCRYPTED").is_some()
            || openssh_is_encrypted(&body);
        let is_snakeoil = path.ends_with(b"ssl-cert-snakeoil.key");
        let severity =
            if is_encrypted || is_snakeoil || is_pgp { Severity::Warning } else { Severity::Error };
        let what = match (is_pgp, is_encrypted) {
            (true, _) => "an OpenPGP private key",
            (false, true) => "an encrypted private key",
            (false, false) => "a private key without a passphrase",
        };
        found.push(key(what, at, inside, severity));
    }
}

/// The decoded bytes between the lines of a PEM text, and the headers before them.
fn body(inside: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut headers, mut encoded) = (Vec::new(), Vec::new());
    // Inside JSON the ends of lines are written out.
    let unescaped = if memchr::memmem::find(inside, b"\\n").is_some() {
        String::from_utf8_lossy(inside).replace("\\r", "").replace("\\n", "\n").into_bytes()
    } else {
        inside.to_vec()
    };
    for line in unescaped.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.contains(&b':') {
            headers.extend_from_slice(line);
        } else if line.first() != Some(&b'=') {
            encoded.extend_from_slice(line);
        }
    }
    let bytes = decoded(&encoded)?;
    (bytes.len() >= LEAST_KEY_BYTES && bytes.iter().any(|byte| *byte != 0)).then_some((bytes, headers))
}

/// OpenSSH's own form names the cipher behind its magic (PROTOCOL.key).
fn openssh_is_encrypted(body: &[u8]) -> bool {
    body.strip_prefix(b"openssh-key-v1\0").is_some_and(|rest| !rest.starts_with(b"\0\0\0\x04none"))
}
