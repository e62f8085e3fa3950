//! Passwords as a Linux system keeps them: SHA-512 crypt, with the usual 5000 rounds.

use std::fmt;

use sha2::{Digest, Sha512};

const ROUNDS: usize = 5000;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SALT_CHARS: usize = 16;

/// What makes the hashes of equal passwords differ.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(String);

impl Salt {
    /// From random bytes, of which six bits each count.
    pub fn new(random: [u8; SALT_CHARS]) -> Self {
        Self(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect())
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt")
    }
}

/// The password as it stands in `/etc/shadow`.
pub fn hashed(password: &str, salt: &Salt) -> String {
    let digest = digest(password.as_bytes(), salt.0.as_bytes());
    let mut out = format!("$6${}$", salt.0);
    for group in 0..21 {
        // Three bytes, one from each third of the digest, their order turning with every group.
        let bytes = [group, group + 21, group + 42];
        let [high, middle, low] = [0, 1, 2].map(|place| digest[bytes[(place + group) % 3]]);
        push(&mut out, [high, middle, low], 4);
    }
    push(&mut out, [0, 0, digest[63]], 2);
    out
}

fn push(out: &mut String, [high, middle, low]: [u8; 3], count: usize) {
    let mut bits = u32::from_be_bytes([0, high, middle, low]);
    for _ in 0..count {
        let index = usize::try_from(bits & 63).unwrap_or(0);
        out.push(char::from(ALPHABET[index]));
        bits >>= 6;
    }
}

fn digest(password: &[u8], salt: &[u8]) -> [u8; 64] {
    let other: [u8; 64] = sha(&[password, salt, password]);
    let mut first = Sha512::new();
    first.update(password);
    first.update(salt);
    first.update(repeated(&other, password.len()));
    let mut length = password.len();
    while length > 0 {
        first.update(if length & 1 == 1 { &other[..] } else { password });
        length >>= 1;
    }
    let mut state: [u8; 64] = first.finalize().into();
    let mut of_password = Sha512::new();
    for _ in 0..password.len() {
        of_password.update(password);
    }
    let p = repeated(&of_password.finalize().into(), password.len());
    let mut of_salt = Sha512::new();
    for _ in 0..16 + usize::from(state[0]) {
        of_salt.update(salt);
    }
    let s = repeated(&of_salt.finalize().into(), salt.len());
    for round in 0..ROUNDS {
        let odd = round % 2 == 1;
        let mut next = Sha512::new();
        next.update(if odd { &p[..] } else { &state[..] });
        if round % 3 != 0 {
            next.update(&s);
        }
        if round % 7 != 0 {
            next.update(&p);
        }
        next.update(if odd { &state[..] } else { &p[..] });
        state = next.finalize().into();
    }
    state
}

fn sha(pieces: &[&[u8]]) -> [u8; 64] {
    let mut hash = Sha512::new();
    for piece in pieces {
        hash.update(piece);
    }
    hash.finalize().into()
}

fn repeated(bytes: &[u8; 64], length: usize) -> Vec<u8> {
    bytes.iter().copied().cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `openssl passwd -6` hashes it.
    #[test]
    fn another_program_hashes_alike() {
        let salt = Salt("saltstring".to_owned());
        let expected = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
        assert_eq!(hashed("Hello world!", &salt), expected);
    }
}
