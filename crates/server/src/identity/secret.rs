//! Secrets: made from strong randomness, kept only as salted hashes, compared in constant time.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, pbkdf2, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::home::Error;

const SECRET_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// Enough for what people choose (OWASP's figure for PBKDF2 with SHA-256).
const CHOSEN_ROUNDS: NonZeroU32 = NonZeroU32::new(600_000).expect("not zero");
/// A random secret of 256 bits cannot be guessed at any speed; the rounds only slow down a flood.
const MADE_ROUNDS: NonZeroU32 = NonZeroU32::new(10_000).expect("not zero");
/// No honest file asks for more work than this for one comparison.
const MOST_ROUNDS: u32 = 5_000_000;

/// Where unguessable bytes come from.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with randomness fit for keys.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the source is not available.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error>;
}

/// The cryptographic library's generator, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        rand::fill(bytes).map_err(|_unspecified| Error::Crypto { action: "gather randomness" })
    }
}

/// A text that must not be seen: it prints as `[secret]`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A random secret of 256 bits, as 64 hexadecimal digits: no option, quote or escape to any shell.
    ///
    /// # Errors
    /// As [`Entropy::fill`].
    pub fn random(entropy: &dyn Entropy) -> Result<Self, Error> {
        let mut bytes = [0; SECRET_BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The text itself; not for logs, messages or command lines.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Who thought of a secret, which decides how much work guessing it must cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// [`Secret::random`] made it.
    Made,
    /// A person chose it.
    Chosen,
}

/// What is kept of a secret: enough to recognise it, not to know it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct HashedSecret {
    rounds: NonZeroU32,
    salt: [u8; SALT_BYTES],
    hash: [u8; HASH_BYTES],
}

impl HashedSecret {
    /// Hashes `secret` with a fresh salt.
    ///
    /// # Errors
    /// As [`Entropy::fill`].
    pub fn of(secret: &Secret, origin: Origin, entropy: &dyn Entropy) -> Result<Self, Error> {
        let rounds = match origin {
            Origin::Made => MADE_ROUNDS,
            Origin::Chosen => CHOSEN_ROUNDS,
        };
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt)?;
        let mut hash = [0; HASH_BYTES];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, secret.0.as_bytes(), &mut hash);
        Ok(Self { rounds, salt, hash })
    }

    /// A hash that no secret has, as costly to compare as a real one: for accounts that do not exist.
    #[must_use]
    pub fn of_nothing(origin: Origin) -> Self {
        let rounds = match origin {
            Origin::Made => MADE_ROUNDS,
            Origin::Chosen => CHOSEN_ROUNDS,
        };
        Self { rounds, salt: [0; SALT_BYTES], hash: [0; HASH_BYTES] }
    }

    /// Whether `offered` is the secret. Costs milliseconds of processor time, by intent.
    #[must_use]
    pub fn is(&self, offered: &Secret) -> bool {
        let offered = offered.0.as_bytes();
        pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, self.rounds, &self.salt, offered, &self.hash).is_ok()
    }
}

/// A hashed secret as written to a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    algorithm: String,
    rounds: u32,
    salt: String,
    hash: String,
}

const ALGORITHM: &str = "pbkdf2-sha256";

impl From<HashedSecret> for Stored {
    fn from(secret: HashedSecret) -> Self {
        Self {
            algorithm: ALGORITHM.to_owned(),
            rounds: secret.rounds.get(),
            salt: URL_SAFE_NO_PAD.encode(secret.salt),
            hash: URL_SAFE_NO_PAD.encode(secret.hash),
        }
    }
}

impl TryFrom<Stored> for HashedSecret {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        if stored.algorithm != ALGORITHM {
            return Err(format!("secrets are hashed with {ALGORITHM}, not {}", stored.algorithm));
        }
        let rounds = NonZeroU32::new(stored.rounds)
            .filter(|rounds| rounds.get() <= MOST_ROUNDS)
            .ok_or_else(|| format!("{} is no sensible number of rounds", stored.rounds))?;
        Ok(Self { rounds, salt: bytes("salt", &stored.salt)?, hash: bytes("hash", &stored.hash)? })
    }
}

fn bytes<const N: usize>(name: &str, text: &str) -> Result<[u8; N], String> {
    let decoded = URL_SAFE_NO_PAD.decode(text).map_err(|error| format!("{name}: {error}"))?;
    decoded.try_into().map_err(|_wrong: Vec<u8>| format!("{name}: it must hold {N} bytes"))
}
